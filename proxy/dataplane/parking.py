"""What becomes of requests of a service that does not simply serve: it is in maintenance, or its requests are held.

A held request is parked: it keeps its client's connection and is on no color, so it counts nowhere as in flight.
What has come of its body is kept and no more is read. It waits in its service's lot until it is let go, its time is
over, its client is gone, or the worker stops.
"""

from __future__ import annotations

from typing import Final

from proxy.dataplane.audience import is_tester
from proxy.dataplane.door import Door
from proxy.dataplane.lot import Lot, Waiting
from proxy.dataplane.onward import GONE, send_on
from proxy.dataplane.pages import send_maintenance_page
from proxy.dataplane.reporting import Record, report
from proxy.dataplane.responses import refuse
from proxy.dataplane.roles import Client
from proxy.dataplane.routing import LiveService
from proxy.dataplane.upload import Upload
from proxy.http1.errors import RequestError
from proxy.traffic.audience import HoldRule
from proxy.traffic.retry import FailureReason

SAFE: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})
"""Methods that only look (RFC 9110 9.2.1)."""

HOLD_FULL: Final = "hold_full"
HELD_TOO_LONG: Final = "held_too_long"
"""Reasons of a 503: as many wait already as may, or this one has waited for as long as it may."""

LOOK: Final = 0.5
"""Seconds between two looks at a client that is not read from."""


def pass_gate(door: Door, client: Client, record: Record, service: LiveService, upload: Upload, rest: bytes) -> bool:
    """Whether a request of a gated service goes on at once; if not, it is parked now, or was answered."""
    if _closed_to(door, client, record, service, upload):
        return False
    rule, lot = door.hold_of(service), door.lots.get(service.name)
    if rule is None:
        if lot is None or not lot.busy or door.stopping:
            service.gated = service.spec.maintenance is not None
            return True
        rule = (
            lot.rule
        )  # it is over, and others are still being let go: they came first, unless there is no time for that
    if rule.unsafe_only and record.head.method in SAFE:
        return True
    _park(door, client, record, upload, rest, door.lot_of(service, rule))
    return False


def _closed_to(door: Door, client: Client, record: Record, service: LiveService, upload: Upload) -> bool:
    """Whether the service is in maintenance for whoever asks, and has told so."""
    message = service.spec.maintenance
    if message is None or is_tester(service.audience, record.head):
        return False
    send_maintenance_page(door, client, record, message, uploaded=upload.done)
    return True


def _park(door: Door, client: Client, record: Record, upload: Upload, rest: bytes, lot: Lot) -> None:
    if door.stopping:
        detail = "the front door is stopping"
        refuse(door, client, record, 503, FailureReason.SHUTDOWN, detail, uploaded=upload.done)
        return
    parked = Parked(door, client, record, upload, lot)
    client.occupant = parked
    if rest:
        parked.client_data(rest)
    if client.occupant is parked:  # and not refused for what came of its body
        parked.begin(lot.rule)


class Parked(Waiting):
    """One request that waits."""

    __slots__ = ("_client", "_door", "_lot", "_record", "_until", "_upload")

    def __init__(self, door: Door, client: Client, record: Record, upload: Upload, lot: Lot) -> None:
        self.size = len(record.head.raw)
        self._client = client
        self._door = door
        self._lot = lot
        self._record = record
        self._upload = upload
        self._until = 0.0

    def begin(self, rule: HoldRule) -> None:
        """Wait, if there is room."""
        lot = self._lot
        if not lot.takes(self.size):
            self._refuse_for_bound(HOLD_FULL, "too many requests are being held")
            return
        lot.enter(self)
        now = self._door.loop.time()
        self._until = now + rule.max_wait
        if not self._upload.done:
            self._upload.hold(now)
            self._client.stream.pause_reading()
        self._wait(now)

    def _wait(self, now: float) -> None:
        """A client that is not read from may be gone unheard, so it is looked at."""
        self._client.deadline = self._until if self._upload.done else min(self._until, now + LOOK)

    @property
    def lease(self) -> None:
        """It is counted on no color."""
        return None

    def let_go(self) -> None:
        """Go the way of every request, by the table of this moment."""
        self._waits_no_more()
        door, client, record, upload = self._door, self._client, self._record, self._upload
        service = door.routing.router.match(record.head.host, record.head.path)
        if service is None:
            self.turn_away("no_service", "the service was taken out of the config file")
        elif self._may_pass(service):
            send_on(door, client, record, service, upload, b"")

    def _may_pass(self, service: LiveService) -> bool:
        """Whether nothing new is in the way: the config may have changed, or maintenance begun."""
        door, client, record, upload = self._door, self._client, self._record, self._upload
        if service.name != self._lot.service.name:
            return not service.gated or pass_gate(door, client, record, service, upload, b"")
        return not _closed_to(door, client, record, service, upload)  # to wait once more, behind others, has no end

    def turn_away(self, reason: str, detail: str) -> None:
        """Be answered with 503."""
        self._waits_no_more()
        refuse(self._door, self._client, self._record, 503, reason, detail, uploaded=self._upload.done)

    def _waits_no_more(self) -> None:
        self._lot.leave(self)
        if self._until > 0.0:  # else there was no room for it
            self._record.held = self._door.loop.time() - self._record.began

    def _refuse_for_bound(self, reason: str, detail: str) -> None:
        meters = self._lot.meters
        meters.cells[meters.refused] += 1
        self.turn_away(reason, detail)

    # From the client.

    def client_data(self, data: bytes) -> None:
        upload = self._upload
        if upload.done:
            self._client.keep_for_later(data)
            return
        self._record.received += len(data)
        self.size += len(data)
        try:
            upload.feed(data)
        except RequestError as error:
            self._waits_no_more()
            refuse(self._door, self._client, self._record, error.status, error.reason, str(error), uploaded=False)
            return
        if upload.surplus:
            self.size -= len(upload.surplus)
            self._client.keep_for_later(upload.surplus)

    def client_eof(self) -> bool:
        """A client may close its side after its last request, and wait for the answer."""
        if self._upload.done:
            return True
        self._waits_no_more()
        detail = "the request's body ended too early"
        refuse(self._door, self._client, self._record, 400, FailureReason.CLIENT_GONE, detail, uploaded=False)
        return False

    def client_lost(self) -> None:
        self._waits_no_more()
        self._record.status = GONE
        self._record.reason = FailureReason.CLIENT_GONE
        report(self._door, self._record, None)

    def client_full(self) -> None:
        """It is sent nothing."""

    def client_writable(self) -> None:
        """It is sent nothing."""

    # Ends.

    def expired(self, now: float) -> None:
        """Its time is over, unless it is about to be let go; or it is time to look whether its client is there."""
        if self._client.stream.is_broken():
            self._client.stream.abort()
        elif now < self._until or not self._lot.holds:
            self._client.deadline = now + LOOK if now >= self._until else min(self._until, now + LOOK)
        else:
            self._refuse_for_bound(HELD_TOO_LONG, "this request was held for longer than it may be")

    def wind_up(self) -> None:
        """The same as :meth:`cut`."""
        self.cut()

    def cut(self) -> None:
        """The worker ends."""
        self.turn_away(FailureReason.SHUTDOWN, "the front door is stopping")
