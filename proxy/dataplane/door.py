"""What all connections of one worker share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from ipaddress import ip_address

from proxy.dataplane.access_log import AccessLog
from proxy.dataplane.accounting import DoorMeters
from proxy.dataplane.admission import Lease
from proxy.dataplane.dates import DateValue
from proxy.dataplane.log_lines import AT_ONCE, NOWHERE
from proxy.dataplane.lot import Lot
from proxy.dataplane.roles import Connection
from proxy.dataplane.room import WHOLE, Share
from proxy.dataplane.routing import LiveService, Routing
from proxy.dataplane.tracing import Tracer
from proxy.dataplane.visitors import Visitors
from proxy.http1.errors import RequestError
from proxy.http1.forwarding import Forwarding
from proxy.http1.heads import RequestFields, ResponseHead
from proxy.http1.recent import Recent
from proxy.ipc.messages import Spans
from proxy.net.poller import Poller
from proxy.shm.addresses import AddressCounts
from proxy.shm.board import BoardDamaged
from proxy.traffic.audience import HoldRule
from proxy.traffic.outlier import counts_as_error
from proxy.traffic.retry import Failure, FailureReason

Suspicion = Callable[[Lease, str], None]
"""Told of a lease on an upstream that has let several requests down in a row, and of why this one failed."""

Export = Callable[[Spans], bool]
"""Whether somebody has taken notes of requests that are to be exported."""


def nobody_waits() -> None:
    """Nobody waits."""


def nobody_exports(spans: Spans) -> bool:
    """Nobody takes notes."""
    return False


class Door:
    """The routing, the meters, the log and the open connections of this worker."""

    __slots__ = (
        "_forwardings",
        "_next_request",
        "_on_suspect",
        "_prefix",
        "_share",
        "addresses",
        "connections",
        "date",
        "log",
        "loop",
        "lots",
        "meters",
        "on_leave",
        "orphaned",
        "poller",
        "recent_answers",
        "recent_fields",
        "routing",
        "stopping",
        "tracer",
        "visitors",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        routing: Routing,
        meters: DoorMeters,
        log: AccessLog,
        *,
        id_prefix: bytes,
        on_suspect: Suspicion,
        addresses: AddressCounts | None = None,
        share: Share = WHOLE,
        export: Export = nobody_exports,
    ) -> None:
        """``id_prefix`` begins every request id of this worker, and of no other.

        Without ``addresses`` nobody counts the connections of each, and no limit for them holds. ``share`` is this
        worker's of what may be held. ``export`` is offered notes of requests for the trace export.
        """
        self.loop = loop
        self.poller = Poller(loop)
        self.routing = routing
        self.meters = meters
        self.log = log
        self.connections: set[Connection] = set()
        self.date = DateValue()
        self._forwardings: Recent[Forwarding] = Recent()
        self.recent_fields: Recent[RequestFields] = Recent()
        self.recent_answers: Recent[ResponseHead] = Recent()
        self.addresses = addresses
        self.visitors = Visitors(addresses)
        self.stopping = False
        self.orphaned = False
        """Whether the supervisor is gone."""
        self.lots: dict[str, Lot] = {}
        """Where requests are held, or were, by service."""
        self._share = share
        self.on_leave: Callable[[], None] = nobody_waits
        """Told of each client that leaves, while somebody waits for that."""
        self._prefix = id_prefix
        self._next_request = 0
        self._on_suspect = on_suspect
        self.tracer = Tracer(self._lost_spans, export)
        self.tracer.configure(routing.door.trace_share)

    def refresh(self) -> None:
        """Serve from the newest table. Every request asks first; it costs one comparison where nothing is new."""
        routing = self.routing
        if routing.words[0] != routing.generation:
            try:
                routing.refresh()
            except BoardDamaged:  # the table that is served already is still the best there is
                return
            self._forwardings = Recent()  # others may be trusted now
            self.log.configure(routing.door.access_log)
            self.tracer.configure(routing.door.trace_share)
            self.look_at_lots()

    def look_at_lots(self) -> None:
        """Let those go that are held no longer."""
        for lot in self.lots.values():
            lot.look(self.hold_of(lot.service))

    def hold_of(self, service: LiveService) -> HoldRule | None:
        """How a service's requests are held now, if they are. Without a supervisor no exclusive switch ends."""
        rule = service.spec.hold
        if rule is None or (rule.exclusive and self.orphaned) or not self.routing.serves(service):
            return None
        return rule

    def lot_of(self, service: LiveService, rule: HoldRule) -> Lot:
        """Where requests of a service wait."""
        lot = self.lots.get(service.name)
        if lot is None:
            meters = self.meters.hold(service.name)
            lot = self.lots[service.name] = Lot(service, rule, meters, self._share, self.loop, self.refresh)
        if lot.service is not service:  # it was taken out, and is back with its old name
            lot.service = service
            lot.look(self.hold_of(service))
        return lot

    def new_request_id(self) -> bytes:
        """An id that no other request of this front door has."""
        self._next_request += 1
        return b"%s%08x" % (self._prefix, self._next_request)

    def forwarding(self, peer: str) -> Forwarding:
        """What upstreams are told of a client: its address, and whether what it says of others is believed."""
        address = peer.encode() or b"unknown"
        known = self._forwardings.find(address)
        if known is None:
            known = Forwarding(peer=address, scheme=b"http", trusted=self.trusts(peer))
            self._forwardings.keep(address, known)
        return known

    def trusts(self, address: str) -> bool:
        """Whether an address is that of a proxy in front of this one. No address (a unix socket) is not."""
        if not self.routing.trusted or not address:
            return False
        ip = ip_address(address)
        return any(ip in network for network in self.routing.trusted)

    def answered(self, lease: Lease, status: int, seconds: float) -> None:
        """An upstream has begun its answer, so many seconds after it was given the request."""
        lease.pool.meters.first_byte(seconds)
        if lease.aside is not None:
            lease.aside.first_byte(seconds)
        if lease.cohort is not None:
            lease.cohort.first_byte(seconds)
        lease.upstream.meters.answered(status)
        self._judge(lease, status)

    def failed(self, lease: Lease, failure: Failure) -> None:
        """An upstream let a request down."""
        lease.upstream.meters.failed(failure.reason)
        lease.pool.meters.failed()
        if lease.aside is not None:
            lease.aside.failed()
        if lease.cohort is not None:
            lease.cohort.failed()
        self._judge(lease, failure)

    def dropped(self, lease: Lease) -> FailureReason:
        """A request or tunnel is cut by a deadline of our own; gives which."""
        reason = FailureReason.SHUTDOWN if self.stopping else FailureReason.DRAIN_DEADLINE
        lease.pool.meters.dropped(reason)
        return reason

    def _judge(self, lease: Lease, result: int | Failure) -> None:
        """Hold a status or a failure against the upstream, or in its favour."""
        streak = lease.upstream.streak
        if streak is not None and streak.record(not counts_as_error(result)):
            self._on_suspect(lease, result.reason if isinstance(result, Failure) else f"status_{result}")

    def _lost_spans(self, notes: int) -> None:
        self.meters.cells[self.meters.spans_lost] += notes

    def refused(self, peer: bytes, request_id: bytes, error: RequestError, received: int, sent: int) -> None:
        """Count and log what could not be read as a request, with the bytes that came and those of its answer."""
        self.meters.rejected(error.reason)
        if self.log.on:
            said = (peer, b"-", b"", b"-", b"", b"", request_id, b"")
            line = self.log.line(time.time(), said, 11, error.status, received, sent, AT_ONCE, NOWHERE, 0, error.reason)
            self.log.write(line)
