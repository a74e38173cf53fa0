"""Receipts: what an operation did to the requests that were under way, counted from the workers' meters.

Workers count a request in when it is given its color and out when it ends, and the table that takes a color's traffic
away is one instant. So with the counters as they stood just before that instant, what was in flight then, and how each
of it ended, follows by subtraction: once every worker has seen the table, nothing more is counted in.

    in flight at the flip  =  admitted in all (it stands still now)  -  ended before  -  lost before
    dropped                =  lost in all  -  lost before

A request is lost if its worker died before it ended: what dead workers had admitted and not ended tells how many.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from proxy.control.fleet import Fleet
from proxy.control.tallies import read_errors
from proxy.shm.meters import MeterRegion
from proxy.shm.names import Outcome, Series
from proxy.shm.totals import MeterTotals
from proxy.traffic.model import Operation, Receipt
from proxy.traffic.retry import FailureReason
from proxy.traffic.spec import Color


class Account(Protocol):
    """What was under way on what an operation leaves. It is opened just before the operation's table is published."""

    def in_flight(self) -> int:
        """How much of it is there still, in all living workers."""
        ...

    def opened(self, receipt: Receipt) -> Receipt:
        """The receipt with what was in flight at the flip. To be asked for once every worker has seen the table."""
        ...

    def counted(self, receipt: Receipt) -> Receipt:
        """An opened receipt with how what was in flight has ended so far."""
        ...


def open_account(fleet: Fleet, operation: Operation, errors_told: int | None = None) -> Account:
    """The account of an operation whose table is about to be published.

    ``errors_told`` are the errors of the color that it leaves which an earlier receipt has told of already, if one has.
    """
    upstreams = [(color, address) for color, address in operation.leaving if address is not None]
    if upstreams:
        return UpstreamAccount(fleet, operation.service, upstreams)
    return ColorAccount(fleet, operation.service, [color for color, _ in operation.leaving], errors_told)


@dataclass(frozen=True, slots=True)
class _Tally:
    """What all workers, living and dead, have counted up to one moment."""

    admitted: int
    ended: dict[Outcome, int]
    retried: int
    lost: int
    errors: int


def _tally(totals: MeterTotals, service: str, colors: Sequence[Color]) -> _Tally:
    keys = [(service, color.value) for color in colors]
    ended = {
        outcome: sum(totals.total(Series.ENDED, *key, outcome.value) for key in keys)  # before what is admitted: an
        for outcome in Outcome  # end that is counted without its beginning would make something out of nothing
    }
    return _Tally(
        admitted=sum(totals.total(Series.ADMITTED, *key) for key in keys),
        ended=ended,
        retried=sum(totals.total(Series.RETRIES, *key, reason.value) for key in keys for reason in FailureReason),
        lost=sum(_lost(totals, key) for key in keys),
        errors=sum(read_errors(totals, service, color) for color in colors),
    )


def _lost(totals: MeterTotals, key: tuple[str, str]) -> int:
    ended = sum(totals.kept(Series.ENDED, *key, outcome.value) for outcome in Outcome)
    return totals.kept(Series.ADMITTED, *key) - ended


class ColorAccount:
    """The account of an operation that takes a color's traffic away; with no color, of one that leaves nothing."""

    def __init__(self, fleet: Fleet, service: str, colors: Iterable[Color], errors_told: int | None = None) -> None:
        """Open it with the counters as they are now, but for errors: what nobody has told of yet is told here."""
        self._fleet = fleet
        self._service = service
        self._colors = tuple(colors)
        self._before = self._now()
        self._errors_told = self._before.errors if errors_told is None else errors_told

    def _now(self) -> _Tally:
        return _tally(self._fleet.totals, self._service, self._colors)

    def in_flight(self) -> int:
        """Requests and tunnels on those colors."""
        return sum(
            region.value(series, self._service, color.value)
            for region in self._fleet.regions()
            for color in self._colors
            for series in (Series.IN_FLIGHT, Series.TUNNELS)  # in this order a request that becomes a tunnel is seen
        )

    def opened(self, receipt: Receipt) -> Receipt:
        """The receipt with what was in flight when the table changed."""
        before = self._before
        return replace(receipt, in_flight_at_flip=self._now().admitted - sum(before.ended.values()) - before.lost)

    def counted(self, receipt: Receipt) -> Receipt:
        """The receipt with the ends that were counted since."""
        before, now = self._before, self._now()
        ended = {outcome: now.ended[outcome] - before.ended[outcome] for outcome in Outcome}
        return replace(
            receipt,
            finished_on_old=ended[Outcome.FINISHED],
            failed=ended[Outcome.FAILED],
            cut_by_client=ended[Outcome.CUT_BY_CLIENT],
            cut_by_proxy=ended[Outcome.CUT_BY_PROXY],
            retried=now.retried - before.retried,
            dropped=now.lost - before.lost,
            errors_on_old=now.errors - self._errors_told if self._colors else None,
        )


class HoldAccount:
    """The account of the requests that come while they are held."""

    def __init__(self, fleet: Fleet, service: str) -> None:
        """Open it with the counters as they are now."""
        self._totals = fleet.totals
        self._service = service
        self._before = self._now()

    def _now(self) -> tuple[int, int]:
        total = self._totals.total
        return total(Series.HELD_TOTAL, self._service), total(Series.HELD_REFUSED, self._service)

    def counted(self, receipt: Receipt) -> Receipt:
        """The receipt with how many came so far, and how many of them were turned away because of a bound."""
        (held, refused), (held_before, refused_before) = self._now(), self._before
        return replace(receipt, held=held - held_before, held_too_long=refused - refused_before)


class UpstreamAccount:
    """The account of an operation that drains single upstreams.

    How requests end is counted by color and not by upstream. So what was neither cut by the proxy nor lost with a
    worker is taken to have finished, and what is lost is what a worker had there at the last look before it died.
    """

    def __init__(self, fleet: Fleet, service: str, upstreams: Iterable[tuple[Color, str]]) -> None:
        """Open it with the counters as they are now."""
        self._fleet = fleet
        self._service = service
        self._upstreams = tuple(upstreams)
        self._dropped = 0
        self._last: dict[MeterRegion, int] = {}
        self._cut_before = self._cut()
        self.in_flight()

    def _cut(self) -> int:
        return sum(
            self._fleet.totals.total(Series.ENDED, self._service, color.value, Outcome.CUT_BY_PROXY.value)
            for color in {color for color, _ in self._upstreams}
        )

    def in_flight(self) -> int:
        """Requests and tunnels on those upstreams."""
        now = {region: self._of(region) for region in self._fleet.regions()}
        self._dropped += sum(there for region, there in self._last.items() if region not in now)
        self._last = now
        return sum(now.values())

    def _of(self, region: MeterRegion) -> int:
        return sum(
            region.value(Series.UPSTREAM_IN_FLIGHT, self._service, color.value, address)
            for color, address in self._upstreams
        )

    def opened(self, receipt: Receipt) -> Receipt:
        """The receipt with what is in flight now: what had ended before all workers saw the table is not known."""
        self._dropped = 0
        return replace(receipt, in_flight_at_flip=self.in_flight())

    def counted(self, receipt: Receipt) -> Receipt:
        """The receipt with what has gone since."""
        left = self.in_flight()
        cut = min(self._cut() - self._cut_before, receipt.in_flight_at_flip - self._dropped)
        return replace(
            receipt,
            finished_on_old=max(0, receipt.in_flight_at_flip - left - cut - self._dropped),
            cut_by_proxy=cut,
            dropped=self._dropped,
        )
