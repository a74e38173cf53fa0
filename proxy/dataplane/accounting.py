"""The cells into which a worker counts, found once and then only added to.

Nothing here decides anything. Cells are looked up by name when a table is taken over, so a request costs additions.
"""

from __future__ import annotations

import time
from typing import Final

from proxy.shm.exemplars import EVERY
from proxy.shm.histogram import observe
from proxy.shm.meters import Meters
from proxy.shm.names import COHORT_SERIES, HISTOGRAM_CELLS, PREVIEW_SERIES, ROUTE_SERIES, Outcome, PauseReason, Series
from proxy.traffic.model import Cohort
from proxy.traffic.spec import Color

METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
"""Methods with a label of their own; every other one is counted as OTHER, for a client can invent those."""


class ColorMeters:
    """What is counted for one color of one service."""

    __slots__ = (
        "_codes",
        "_key",
        "_meters",
        "admitted",
        "cells",
        "duration",
        "ended",
        "errors",
        "exemplar_due",
        "failures",
        "in_flight",
        "received_bytes",
        "sent_bytes",
        "tunnels",
        "upstream_duration",
    )

    def __init__(self, meters: Meters, service: str, color: Color) -> None:
        self._meters = meters
        self._key = (service, color.value)
        self._codes: dict[tuple[int, bytes], int] = {}
        self.cells = meters.cells
        self.admitted = meters.cell(Series.ADMITTED, *self._key)
        self.in_flight = meters.cell(Series.IN_FLIGHT, *self._key)
        self.tunnels = meters.cell(Series.TUNNELS, *self._key)
        self.ended = {outcome: meters.cell(Series.ENDED, *self._key, outcome) for outcome in Outcome}
        self.errors = meters.cell(Series.ERRORS, *self._key)
        self.failures = meters.cell(Series.FAILURES, *self._key)
        self.duration = meters.block(HISTOGRAM_CELLS, Series.DURATION, *self._key)
        self.upstream_duration = meters.block(HISTOGRAM_CELLS, Series.UPSTREAM_DURATION, *self._key)
        self.received_bytes = meters.cell(Series.RECEIVED_BYTES, *self._key)
        self.sent_bytes = meters.cell(Series.SENT_BYTES, *self._key)
        self.exemplar_due = [0.0] * (HISTOGRAM_CELLS - 1)
        """For each bucket of the durations, from when on by the loop's clock another exemplar of it is welcome."""

    def answered(self, status: int, method: bytes, seconds: float, received: int, sent: int) -> int:
        """A request was answered, by whomever, ``seconds`` after its head was complete; gives the bucket of that."""
        cells = self.cells
        try:
            cells[self._codes[status, method]] += 1
        except KeyError:
            cells[self._code_cell(status, method)] += 1
        if status >= 500:
            cells[self.errors] += 1
        cells[self.received_bytes] += received
        cells[self.sent_bytes] += sent
        return observe(cells, self.duration, seconds)

    def note(self, bucket: int, seconds: float, ident: bytes, *, trace: bool, now: float) -> None:
        """Keep a request's id as an example of those in its bucket; ``now`` is by the loop's clock."""
        self.exemplar_due[bucket] = now + EVERY
        self._meters.exemplars.note(self.duration, bucket, seconds, ident, trace=trace, at=time.time())

    def first_byte(self, seconds: float) -> None:
        """An upstream began its answer ``seconds`` after it was given the request."""
        observe(self.cells, self.upstream_duration, seconds)

    def failed(self) -> None:
        """An upstream of this color let a request down."""
        self.cells[self.failures] += 1

    def retried(self, reason: str) -> None:
        """A request is tried once more because of ``reason``."""
        self.cells[self._meters.cell(Series.RETRIES, *self._key, reason)] += 1

    def dropped(self, reason: str) -> None:
        """A request was lost by the proxy's own doing."""
        self.cells[self._meters.cell(Series.DROPPED, *self._key, reason)] += 1

    def _code_cell(self, status: int, method: bytes) -> int:
        label = method.decode() if method in METHODS else "OTHER"
        index = self._meters.cell(Series.REQUESTS, *self._key, str(status), label)
        if method in METHODS:  # others are not remembered: a client could invent them without end
            self._codes[status, method] = index
        return index


class Aside:
    """What is counted once more, by itself, of some requests of a color: testers', a path's, a cohort's."""

    __slots__ = ("cells", "duration", "errors", "failures", "requests")

    def __init__(self, meters: Meters, names: tuple[Series, Series, Series, Series], *key: str) -> None:
        """``names`` are the series of requests, errors, failures, and times to the first byte."""
        requests, errors, failures, duration = names
        self.cells = meters.cells
        self.requests = meters.cell(requests, *key)
        self.errors = meters.cell(errors, *key)
        self.failures = meters.cell(failures, *key)
        self.duration = meters.block(HISTOGRAM_CELLS, duration, *key)

    def answered(self, status: int) -> None:
        """A request was answered, by whomever."""
        self.cells[self.requests] += 1
        if status >= 500:
            self.cells[self.errors] += 1

    def first_byte(self, seconds: float) -> None:
        """An upstream began its answer ``seconds`` after it was given the request."""
        observe(self.cells, self.duration, seconds)

    def failed(self) -> None:
        """An upstream let a request down."""
        self.cells[self.failures] += 1


def preview_meters(meters: Meters, service: str, color: Color) -> Aside:
    """What testers do on one color."""
    return Aside(meters, PREVIEW_SERIES, service, color.value)


def route_meters(meters: Meters, service: str, color: Color, route: str) -> Aside:
    """What happens below one path on one color."""
    return Aside(meters, ROUTE_SERIES, service, color.value, route)


def cohort_meters(meters: Meters, service: str, color: Color, cohort: Cohort) -> Aside:
    """What servers of one pool do that are compared with others of it."""
    return Aside(meters, COHORT_SERIES, service, color.value, cohort.value)


class UpstreamMeters:
    """What is counted for one upstream."""

    __slots__ = ("_codes", "_key", "_meters", "cells", "in_flight", "tunnels")

    def __init__(self, meters: Meters, service: str, color: Color, address: str) -> None:
        self._meters = meters
        self._key = (service, color.value, address)
        self._codes: dict[int, int] = {}
        self.cells = meters.cells
        self.in_flight = meters.cell(Series.UPSTREAM_IN_FLIGHT, *self._key)
        self.tunnels = meters.cell(Series.UPSTREAM_TUNNELS, *self._key)

    def answered(self, status: int) -> None:
        """The upstream answered with this status."""
        try:
            self.cells[self._codes[status]] += 1
        except KeyError:
            index = self._codes[status] = self._meters.cell(Series.UPSTREAM_REQUESTS, *self._key, str(status))
            self.cells[index] += 1

    def failed(self, reason: str) -> None:
        """The upstream let a request down."""
        self.cells[self._meters.cell(Series.UPSTREAM_FAILURES, *self._key, reason)] += 1


class HoldMeters:
    """What is counted of the requests of one service that are held."""

    __slots__ = ("cells", "held", "refused", "waiting")

    def __init__(self, meters: Meters, service: str) -> None:
        self.cells = meters.cells
        self.waiting = meters.cell(Series.HELD, service)
        self.held = meters.cell(Series.HELD_TOTAL, service)
        self.refused = meters.cell(Series.HELD_REFUSED, service)


class DoorMeters:
    """What is counted for the worker as a whole."""

    __slots__ = (
        "_meters",
        "_paused",
        "_pauses",
        "cells",
        "connections",
        "log_lines_lost",
        "open_connections",
        "spans_lost",
    )

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self.cells = meters.cells
        self.connections = meters.cell(Series.CONNECTIONS)
        self.open_connections = meters.cell(Series.OPEN_CONNECTIONS)
        self.log_lines_lost = meters.cell(Series.LOG_LINES_LOST)
        self.spans_lost = meters.cell(Series.SPANS_LOST)
        self._paused = {reason: meters.cell(Series.ACCEPT_PAUSED, reason) for reason in PauseReason}
        self._pauses = {reason: meters.cell(Series.ACCEPT_PAUSES, reason) for reason in PauseReason}

    def paused(self, reason: PauseReason) -> None:
        """The worker accepts nobody from now on."""
        self.cells[self._paused[reason]] = 1
        self.cells[self._pauses[reason]] += 1

    def resumed(self) -> None:
        """The worker accepts clients again."""
        for cell in self._paused.values():
            self.cells[cell] = 0

    def hold(self, service: str) -> HoldMeters:
        """The cells of a service whose requests are held."""
        return HoldMeters(self._meters, service)

    def rejected(self, reason: str) -> None:
        """The proxy itself answered a request."""
        self.cells[self._meters.cell(Series.REJECTED, reason)] += 1
