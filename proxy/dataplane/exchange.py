"""One request and its answer, from the complete head to the last byte.

Phases: *admitted* (color and upstream are chosen) -> *connecting* (unless an idle connection is at hand) -> *asking* (the
request goes out) -> *answering* (the answer comes back) -> over. A failure is a value: before the first byte of the answer
it may become another attempt; afterwards the client can only be shown that its answer was cut short.
"""

from __future__ import annotations

import asyncio

from proxy.dataplane.admission import Lease, admit
from proxy.dataplane.answer import Answer
from proxy.dataplane.door import Door
from proxy.dataplane.failures import connect_failure
from proxy.dataplane.reporting import Record, report
from proxy.dataplane.responses import own_answer
from proxy.dataplane.roles import NEVER, Client
from proxy.dataplane.tunnel import Tunnel
from proxy.dataplane.upload import Upload
from proxy.http1.errors import RequestError, ResponseError
from proxy.http1.framing import UNTIL_CLOSE
from proxy.http1.heads import RequestHead
from proxy.http1.request import client_request_id, forward_request
from proxy.shm.names import Outcome
from proxy.traffic.retry import Failure, FailureReason, Fault, is_idempotent, may_retry
from proxy.upstream.connection import UpstreamConnection

STALE = "stale_connection"
"""Reason of a retry after the upstream closed an idle connection just as it was used again."""


class Exchange:
    """Gets one request answered. The client's connection and at most one upstream's tell it what happens."""

    __slots__ = (
        "_answer",
        "_asked_at",
        "_client",
        "_client_full",
        "_connecting",
        "_door",
        "_fresh_only",
        "_head",
        "_keep_alive",
        "_lease",
        "_outgoing",
        "_record",
        "_tried",
        "_upload",
        "_upstream",
        "_upstream_full",
    )

    _lease: Lease
    _outgoing: bytes
    _upload: Upload

    def __init__(self, door: Door, client: Client, head: RequestHead) -> None:
        self._client = client
        self._door = door
        self._head = head
        trusted = client.forwarding.trusted and client_request_id(head)
        request_id = trusted or self._door.new_request_id()
        self._record = Record(head, client.peer, request_id, began=self._door.loop.time())
        self._answer = Answer(head, request_id)
        self._upstream: UpstreamConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._tried: set[object] = set()
        self._asked_at = 0.0
        self._fresh_only = False
        self._keep_alive = False
        self._client_full = False
        self._upstream_full = False

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
            connection = upstream.idle.take(self._door.loop.time(), repeatable=self._repeatable)
            if connection is not None:
                self._ask(connection)
                return
        self._client.deadline = NEVER  # connecting has a time limit of its own
        self._connecting = self._door.loop.create_task(self._connect())

    async def _connect(self) -> None:
        door = self._door
        try:
            connection = await self._lease.upstream.idle.connect(door.loop, door.routing.door.timeouts.connect)
        except OSError as error:
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
        connection.transport.write(self._outgoing + self._upload.begin())
        if not self._upload.done:
            self._client.transport.resume_reading()
        self._expect_progress()

    def _expect_progress(self) -> None:
        timeouts = self._door.routing.door.timeouts
        waiting = self._upload.done and self._answer.head is None
        self._client.deadline = self._door.loop.time() + (timeouts.response if waiting else timeouts.stall)

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
            self._client_broke_rules(error)
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
            self._client.transport.pause_reading()

    def client_eof(self) -> bool:
        if self._upload.done:
            return True
        self._end(Outcome.CUT_BY_CLIENT, status=400, reason=FailureReason.CLIENT_GONE)
        return False

    def client_lost(self) -> None:
        self._end(Outcome.CUT_BY_CLIENT, status=499, reason=FailureReason.CLIENT_GONE)

    def client_full(self) -> None:
        self._client_full = True
        if self._upstream is not None:
            self._upstream.transport.pause_reading()

    def client_writable(self) -> None:
        self._client_full = False
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
        elif not self._lease.long_lived:
            self._expect_progress()

    def _feed_head(self, data: bytes) -> bytes:
        self._keep_alive = self._head.keep_alive and not self._door.stopping and self._upload.done
        out = self._answer.feed_head(data, keep_alive=self._keep_alive)
        if self._answer.head is not None:
            self._judge_answer(self._answer.head.status)
            if self._answer.head.event_stream:
                self._lease.lengthen()
                self._client.deadline = NEVER
        return out

    def _judge_answer(self, status: int) -> None:
        lease = self._lease
        self._record.status = status
        lease.pool.meters.first_byte(self._door.loop.time() - self._asked_at)
        lease.upstream.meters.answered(status)
        self._door.judge(lease, status)

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
            self._retry(STALE, fresh_only=True)
            return
        reason = FailureReason.TRUNCATED if self._answer.begun else FailureReason.RESET
        self._fail(Failure(reason, detail))

    def upstream_full(self) -> None:
        self._upstream_full = True
        self._client.transport.pause_reading()

    def upstream_writable(self) -> None:
        self._upstream_full = False
        self._client.transport.resume_reading()
        self._expect_progress()

    # Failures.

    @property
    def _repeatable(self) -> bool:
        """Whether it does no harm to send the request again, and it still can be."""
        return self._upload.replayable and is_idempotent(self._head.method)

    def _fail(self, failure: Failure) -> None:
        lease = self._lease
        if failure.fault is Fault.UPSTREAM:
            lease.upstream.meters.failed(failure.reason)
            self._door.judge(lease, failure)
        self._tried.add(lease.upstream)
        if self._try_another(failure):
            return
        self._end(Outcome.FAILED, status=failure.status, reason=failure.reason, detail=failure.detail)

    def _try_another(self, failure: Failure) -> bool:
        service, pool = self._lease.service, self._lease.pool
        allowed = may_retry(
            failure,
            method=self._head.method,
            request_bytes_sent=self._upstream is not None,
            response_bytes_seen=self._answer.begun,
            replayable=self._upload.replayable,
            attempt=self._record.attempts,
            rule=service.spec.retry,
        )
        other = pool.picker.pick_other(self._tried) if allowed and pool.picker is not None else None
        if other is None or not service.budget.withdraw(self._door.loop.time()):
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
        """Something took too long: whose turn it was tells whose fault it is."""
        uploading = not self._upload.done
        if self._client_full or (uploading and not self._upstream_full and self._answer.head is None):
            self._end(Outcome.CUT_BY_CLIENT, status=408, reason=FailureReason.CLIENT_STALL)
        elif self._answer.head is None and not uploading:
            self._fail(Failure(FailureReason.RESPONSE_TIMEOUT))
        else:
            self._fail(Failure(FailureReason.STALL))

    def cut(self) -> None:
        """A drain or the end of the worker has run out of patience."""
        reason = FailureReason.SHUTDOWN if self._door.stopping else FailureReason.DRAIN_DEADLINE
        self._lease.pool.meters.dropped(reason)
        self._end(Outcome.CUT_BY_PROXY, status=503, reason=reason)

    def _client_broke_rules(self, error: RequestError) -> None:
        self._door.meters.rejected(error.reason)
        self._end(Outcome.CUT_BY_CLIENT, status=error.status, reason=error.reason, detail=str(error))

    # Ends.

    def _finish(self) -> None:
        """The whole answer was handed on."""
        upstream = self._upstream
        self._upstream = None
        asked = self._upload.done
        if upstream is not None:
            if asked and self._answer.reusable and not upstream.lost:
                self._lease.upstream.idle.put(upstream, self._door.loop.time())
            else:
                upstream.discard()
        self._lease.close(Outcome.FINISHED)
        report(self._door, self._record, Outcome.FINISHED)
        self._client.exchange_over(keep_alive=self._keep_alive, lingering=self._head.keep_alive or not asked)

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
        elif status != 499:
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
        keep_alive = head.keep_alive and self._upload.done and not self._door.stopping
        data = own_answer(
            status, self._record.request_id, detail, keep_alive=keep_alive, head_only=head.method == b"HEAD"
        )
        self._client.transport.write(data)
        self._client.exchange_over(keep_alive=keep_alive, lingering=True)

    def _drop_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.discard()

    def _become_tunnel(self) -> None:
        assert self._upstream is not None
        upstream, self._upstream = self._upstream, None
        self._lease.lengthen()
        Tunnel(self._door, self._client, upstream, self._record, self._lease).begin(self._answer.rest)
