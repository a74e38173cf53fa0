"""One request and its answer, from the complete head to the last byte.

Phases: *admitted* (color and upstream are chosen) -> *connecting* (unless an idle connection is at hand) -> *asking*
(the request goes out) -> *answering* (the answer comes back) -> over. A failure is a value: before the first byte of
the answer it may become another attempt; afterwards the client can only be shown that its answer was cut short.
"""

from __future__ import annotations

import asyncio

from proxy.dataplane.admission import Lease, admit
from proxy.dataplane.answer import Answer
from proxy.dataplane.door import Door
from proxy.dataplane.failures import connect_failure, overdue
from proxy.dataplane.reporting import Record, report
from proxy.dataplane.responses import own_answer
from proxy.dataplane.retrying import Attempt, pick_another
from proxy.dataplane.roles import LOOK, NEVER, Client
from proxy.dataplane.tunnel import Tunnel
from proxy.dataplane.upload import Upload
from proxy.http1.errors import RequestError, ResponseError
from proxy.http1.framing import UNTIL_CLOSE
from proxy.http1.heads import RequestHead
from proxy.http1.request import client_request_id, forward_request
from proxy.shm.names import Outcome
from proxy.traffic.retry import Failure, FailureReason, Fault, is_idempotent
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.transports import Outflow

GONE = 499
"""Status for the log alone: nobody is there to be answered."""

STALE = "stale_connection"
"""Reason of a retry after the upstream closed an idle connection just as it was used again."""


class Exchange:
    """Gets one request answered. The client's connection and at most one upstream's tell it what happens."""

    __slots__ = (
        "_answer",
        "_asked_at",
        "_client",
        "_connecting",
        "_door",
        "_fresh_only",
        "_head",
        "_lease",
        "_outflow",
        "_outgoing",
        "_record",
        "_stale",
        "_tried",
        "_upload",
        "_upstream",
    )

    _lease: Lease
    _outgoing: bytes
    _upload: Upload

    def __init__(self, door: Door, client: Client, head: RequestHead) -> None:
        self._client = client
        self._door = door
        self._head = head
        request_id = (client.forwarding.trusted and client_request_id(head)) or door.new_request_id()
        self._record = Record(head, client.peer, request_id, began=door.loop.time())
        self._answer = Answer(head, request_id)
        self._upstream: UpstreamConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._tried: tuple[object, ...] = ()
        self._asked_at = 0.0
        self._fresh_only = False
        self._stale = 0
        self._outflow: Outflow | None = None  # what waits for the upstream, while that takes less than it is sent

    def start(self, rest: bytes) -> None:
        """Admit the request and send it on its way; ``rest`` is what came after its head."""
        head, routing = self._head, self._door.routing
        try:
            self._upload = Upload(head.length, routing.door.limits.max_body)
        except RequestError as error:
            self._upload = Upload(UNTIL_CLOSE, None)  # never done, so the connection ends with the refusal
            self._reject(error.status, error.reason, str(error))
            return
        if rest and self._upload.done:
            self._client.keep_for_later(rest)
            rest = b""
        service = routing.router.match(head.host, head.path)
        if service is None:
            self._reject(404, "no_service", "no service is configured for this host and path")
            return
        lease = admit(service, routing.generation)
        if lease is None:
            self._reject(503, "no_upstream", "no server is there to answer this")
            return
        self._lease = self._record.lease = lease
        self._outgoing = forward_request(head, self._client.forwarding, self._record.request_id)
        if rest:
            self.client_data(rest)
        if self._client.occupant is self:  # and not refused for what came of its body
            self._attempt()

    @property
    def lease(self) -> Lease | None:
        """Where it is counted; ``None`` for a request that was given to no color."""
        return self._record.lease

    # Attempts.

    def _attempt(self) -> None:
        upstream = self._lease.upstream
        self._record.attempts += 1
        if not self._fresh_only:
            repeatable = self._repeatable and self._upload.surely_replayable
            if connection := upstream.idle.take(self._door.loop.time(), repeatable=repeatable):
                self._ask(connection)
                return
        self._client.deadline = NEVER  # connecting has a time limit of its own
        self._connecting = self._door.loop.create_task(self._connect())

    async def _connect(self) -> None:
        door = self._door
        try:
            connection = await self._lease.upstream.idle.connect(door.loop, door.routing.door.timeouts.connect)
        except (OSError, UnicodeError) as error:  # the latter comes of names that cannot be asked for
            self._connecting = None
            self._fail(connect_failure(error))
            return
        self._connecting = None
        self._ask(connection)

    def _ask(self, connection: UpstreamConnection) -> None:
        self._upstream = connection
        connection.borrower = self
        connection.uses += 1
        self._fresh_only = False
        self._asked_at = self._door.loop.time()
        if self._client.outflow is not None:
            connection.transport.pause_reading()
        if not self._upload.done:
            self._client.read_on()  # before anything is written, for that may pause it again
        connection.transport.write(self._outgoing + self._upload.begin())
        self._expect_progress()

    def _expect_progress(self) -> None:
        timeouts = self._door.routing.door.timeouts
        if self._upstream_owes:
            patience = timeouts.response
        elif self._lease.long_lived and self._client.outflow is None:
            patience = NEVER
        else:
            patience = timeouts.stall
        self._client.deadline = self._door.loop.time() + patience

    @property
    def _upstream_owes(self) -> bool:
        """Whether the head of the answer is next, or a 100 for a client that waits for it with its body."""
        if self._answer.head is not None:
            return False
        upload = self._upload
        return upload.done or (self._head.expect_continue and not upload.begun and not self._answer.begun)

    # From the client.

    def client_data(self, data: bytes) -> None:
        upload = self._upload
        if upload.done:
            self._client.keep_for_later(data)
            return
        self._record.received += len(data)
        try:
            piece = upload.feed(data)
        except RequestError as error:
            self._end(Outcome.CUT_BY_CLIENT, status=error.status, reason=error.reason, detail=str(error))
            return
        if upload.surplus:
            self._client.keep_for_later(upload.surplus)
        self._send(piece)

    def _send(self, piece: bytes) -> None:
        if self._upstream is not None:
            self._upload.forget_if_large()
            self._upstream.transport.write(piece)
            self._expect_progress()
        elif self._upload.overflowing:
            self._client.transport.pause_reading()  # until there is an upstream to send it to

    def client_eof(self) -> bool:
        if self._upload.done:
            return True
        self._end(Outcome.CUT_BY_CLIENT, status=400, reason=FailureReason.CLIENT_GONE)
        return False

    def client_lost(self) -> None:
        self._end(Outcome.CUT_BY_CLIENT, status=GONE, reason=FailureReason.CLIENT_GONE)

    def client_full(self) -> None:
        if self._upstream is not None:
            self._upstream.transport.pause_reading()

    def client_writable(self) -> None:
        if self._upstream is not None:
            self._upstream.transport.resume_reading()
            self._expect_progress()

    # From the upstream.

    def upstream_data(self, data: bytes) -> None:
        answer = self._answer
        try:
            out = answer.feed_body(data) if answer.head is not None else self._feed_head(data)
        except ResponseError as error:
            self._fail(Failure(FailureReason.BAD_RESPONSE, str(error)))
            return
        self._record.sent += len(out)
        if out:
            self._client.transport.write(out)
        if answer.switched:
            self._become_tunnel()
        elif answer.done:
            self._finish()
        elif out:  # a part of a head is no progress: the whole head has one time limit
            self._expect_progress()

    def _feed_head(self, data: bytes) -> bytes:
        out = self._answer.feed_head(data, keep_alive=self._may_keep_client())
        if self._answer.head is not None:
            self._record.status = self._answer.head.status
            self._door.answered(self._lease, self._record.status, self._door.loop.time() - self._asked_at)
            if self._answer.head.event_stream:
                self._lease.lengthen()
        return out

    def _may_keep_client(self) -> bool:
        head = self._head
        if not head.keep_alive or not self._upload.done or head.upgrade:  # what it sent ahead may be no HTTP
            return False
        return not self._door.stopping or self._client.has_next

    def upstream_eof(self) -> None:
        last = self._answer.end()
        if last is None:
            self._upstream_gone("the connection was closed")
            return
        self._record.sent += len(last)
        self._client.transport.write(last)
        self._finish()

    def upstream_lost(self, error: Exception | None) -> None:
        self._upstream_gone(str(error or "the connection was closed"))

    def _upstream_gone(self, detail: str) -> None:
        upstream = self._upstream
        if upstream is not None and upstream.uses > 1 and not self._answer.begun and self._repeatable:
            self._stale += 1
            self._retry(STALE, fresh_only=True)
            return
        reason = FailureReason.TRUNCATED if self._answer.begun else FailureReason.RESET
        self._fail(Failure(reason, detail))

    def upstream_full(self) -> None:
        assert self._upstream is not None
        now, stall = self._door.loop.time(), self._door.routing.door.timeouts.stall
        self._outflow = Outflow(self._upstream.transport, now, stall)
        self._client.transport.pause_reading()

    def upstream_writable(self) -> None:
        self._outflow = None
        self._client.read_on()
        self._expect_progress()

    # Failures.

    @property
    def _repeatable(self) -> bool:
        """Whether it does no harm to send the request again, and it still can be."""
        return self._upload.replayable and is_idempotent(self._head.method)

    def _fail(self, failure: Failure) -> None:
        lease = self._lease
        if failure.fault is Fault.UPSTREAM:
            self._door.failed(lease, failure)
        self._tried += (lease.upstream,)
        if self._try_another(failure):
            return
        self._end(Outcome.FAILED, status=failure.status, reason=failure.reason, detail=failure.detail)

    def _try_another(self, failure: Failure) -> bool:
        attempt = Attempt(
            number=self._record.attempts - self._stale,
            method=self._head.method,
            request_bytes_sent=self._upstream is not None,
            response_bytes_seen=self._answer.begun,
            replayable=self._upload.replayable,
        )
        self._door.refresh()  # whoever has come back meanwhile may be the only one left
        other = pick_another(self._lease, failure, attempt, self._tried, self._door.loop.time())
        if other is None:
            return False
        self._lease.move(other)
        self._retry(failure.reason, fresh_only=False)
        return True

    def _retry(self, reason: str, *, fresh_only: bool) -> None:
        self._lease.pool.meters.retried(reason)
        self._drop_upstream()
        self._fresh_only = fresh_only
        self._attempt()

    def expired(self, now: float) -> None:
        """Something took too long, unless a slow peer is still taking what waits for it."""
        outflow = self._client.outflow or self._outflow
        if outflow is not None and not outflow.stuck(now):
            self._client.deadline = now + LOOK
            return
        failure = overdue(
            client_full=self._client.outflow is not None,
            upstream_full=self._outflow is not None,
            upstream_owes=self._upstream_owes,
            uploaded=self._upload.done,
        )
        if failure.fault is Fault.CLIENT:
            self._end(Outcome.CUT_BY_CLIENT, status=failure.status, reason=failure.reason)
        else:
            self._fail(failure)

    def cut(self) -> None:
        """A drain or the end of the worker has run out of patience."""
        self._end(Outcome.CUT_BY_PROXY, status=503, reason=self._door.dropped(self._lease))

    # Ends.

    def _finish(self) -> None:
        """The whole answer was handed on."""
        upstream, self._upstream = self._upstream, None
        asked = self._upload.done
        if upstream is not None:
            if self._leaves_reusable(upstream):
                self._lease.upstream.idle.put(upstream, self._door.loop.time())
            else:
                upstream.discard()
        self._lease.close(Outcome.FINISHED)
        report(self._door, self._record, Outcome.FINISHED)
        self._client.exchange_over(keep_alive=self._answer.keep_alive, lingering=self._head.keep_alive or not asked)

    def _leaves_reusable(self, upstream: UpstreamConnection) -> bool:
        """Whether the upstream has the whole request and gave exactly one answer, so that the next one starts clean."""
        head = self._head
        if upstream.lost or head.upgrade or not self._upload.done or not self._answer.reusable:
            return False
        return head.length == 0 or upstream.transport.get_write_buffer_size() == 0

    def _end(self, outcome: Outcome, *, status: int, reason: str, detail: str = "") -> None:
        """Anything but a whole answer: say so if nothing was sent yet, else let the client see that it was cut."""
        self._drop_upstream()
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        self._lease.close(outcome)
        begun = self._record.status != 0
        if not begun:
            self._record.status = status
        self._record.reason = reason
        report(self._door, self._record, outcome)
        if begun:
            self._client.abort()
        elif status != GONE:
            self._door.meters.rejected(reason)
            self._answer_ourselves(status, detail or reason)

    def _reject(self, status: int, reason: str, detail: str) -> None:
        """Answer a request that was given to no color."""
        self._record.status = status
        self._record.reason = reason
        self._door.meters.rejected(reason)
        report(self._door, self._record, None)
        self._answer_ourselves(status, detail)

    def _answer_ourselves(self, status: int, detail: str) -> None:
        head = self._head
        keep_alive = head.version > 10 and self._may_keep_client()
        data = own_answer(
            status, self._record.request_id, detail, keep_alive=keep_alive, head_only=head.method == b"HEAD"
        )
        self._client.transport.write(data)
        self._client.exchange_over(keep_alive=keep_alive, lingering=True)

    def _drop_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        self._outflow = None
        if upstream is not None:
            upstream.discard()

    def _become_tunnel(self) -> None:
        assert self._upstream is not None
        upstream, self._upstream = self._upstream, None
        self._lease.lengthen()
        Tunnel(self._door, self._client, upstream, self._record, self._lease).begin(self._answer.rest)
