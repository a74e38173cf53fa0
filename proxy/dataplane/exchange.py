"""One request and its answer, from the moment it has a place on an upstream to the last byte.

Phases: *connecting* (unless an idle connection is at hand) -> *asking* (the request goes out) -> *answering* (the
answer comes back) -> over. A failure is a value: before the first byte of the answer it may become another attempt;
afterwards the client can only be shown that its answer was cut short.
"""

from __future__ import annotations

from typing import Final

from proxy.dataplane.admission import Lease
from proxy.dataplane.answer import Answer
from proxy.dataplane.attempts import Asker, Attempts
from proxy.dataplane.door import Door
from proxy.dataplane.failures import overdue
from proxy.dataplane.reporting import Record, report
from proxy.dataplane.responses import disclosed, may_keep_client, plain_answer
from proxy.dataplane.roles import LOOK, NEVER, Client
from proxy.dataplane.tunnel import Tunnel
from proxy.dataplane.upload import Upload
from proxy.dataplane.websocket import WebSocketTunnel
from proxy.http1.errors import RequestError, ResponseError
from proxy.shm.names import Outcome
from proxy.traffic.retry import Failure, FailureReason, Fault

GONE: Final = 499
"""Status for the log alone: nobody is there to be answered."""


class Exchange(Asker):
    """Gets one request answered. The client's connection and at most one upstream's tell it what happens."""

    __slots__ = ("_answer", "_attempts", "_client", "_door", "_lease", "_record", "_upload")

    def __init__(
        self, door: Door, client: Client, record: Record, lease: Lease, upload: Upload, outgoing: bytes
    ) -> None:
        """``outgoing`` is the head as upstreams get it."""
        self._client = client
        self._door = door
        self._record = record
        self._lease = lease
        self._upload = upload
        self._answer = Answer(record.head, record.request_id, door.date, door.recent_answers)
        if record.choice is not None:
            self._answer.cookie = record.choice.cookie
        self._attempts = Attempts(door, client, record, lease, upload, outgoing)

    def start(self, rest: bytes) -> None:
        """Send the request on its way; ``rest`` is what came of its body together with its head."""
        if rest:
            self.client_data(rest)
        if self._client.occupant is self:  # and not refused for what came of its body
            self._attempts.begin(self)

    @property
    def lease(self) -> Lease:
        """Where it is counted."""
        return self._lease

    def expect_progress(self) -> None:
        """Something has moved: give whoever's turn it is the time that it may take from now on."""
        now, timeouts = self._door.loop.time(), self._door.routing.door.timeouts
        upload = self._upload
        if self._upstream_owes:
            if not upload.done:
                upload.hold(now)
            self._client.deadline = now + timeouts.response
            return
        endless = self._lease.long_lived and self._client.outflow is None
        deadline = NEVER if endless else now + timeouts.stall
        if not upload.done and self._attempts.outflow is None and self._answer.head is None:
            deadline = min(deadline, upload.due(now))
        self._client.deadline = deadline

    @property
    def _upstream_owes(self) -> bool:
        """Whether the head of the answer is next, or a 100 for a client that waits for it with its body."""
        answer, upload = self._answer, self._upload
        if answer.head is not None:
            return False
        return upload.done or (self._record.head.expect_continue and not upload.begun and not answer.continued)

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
        if self._attempts.send(piece):
            self.expect_progress()

    def client_eof(self) -> bool:
        if self._upload.done:
            return True
        self._end(Outcome.CUT_BY_CLIENT, status=400, reason=FailureReason.CLIENT_GONE)
        return False

    def client_lost(self) -> None:
        self._end(Outcome.CUT_BY_CLIENT, status=GONE, reason=FailureReason.CLIENT_GONE)

    def client_full(self) -> None:
        if self._attempts.upstream is not None:
            self._attempts.upstream.stream.pause_reading()

    def client_writable(self) -> None:
        if self._attempts.upstream is not None:
            self._attempts.upstream.stream.resume_reading()
            self.expect_progress()

    # From the upstream.

    def upstream_data(self, data: bytes) -> None:
        answer = self._answer
        try:
            out = answer.feed_body(data) if answer.head is not None else self._feed_head(data)
        except ResponseError as error:
            self.fail(Failure(FailureReason.BAD_RESPONSE, str(error)))
            return
        self._record.sent += len(out)
        if answer.done:
            self._finish(out)
            return
        if out:
            self._client.stream.write(out)
        if answer.switched:
            self._become_tunnel()
        elif out:  # a part of a head is no progress: the whole head has one time limit
            self.expect_progress()

    def _feed_head(self, data: bytes) -> bytes:
        answer, record = self._answer, self._record
        keep_alive = may_keep_client(self._door, self._client, record.head, uploaded=self._upload.done)
        if self._door.routing.headers is not None:
            answer.disclosed = disclosed(self._door, record, self._since_asked)
        out = answer.feed_head(data, keep_alive=keep_alive)
        if answer.head is not None:
            record.status = answer.head.status
            record.first_byte = seconds = self._since_asked
            self._door.answered(self._lease, record.status, seconds)
            if answer.head.event_stream:
                self._lease.lengthen()
        return out

    @property
    def _since_asked(self) -> float:
        return self._door.loop.time() - self._attempts.asked_at

    def upstream_eof(self) -> None:
        last = self._answer.end()
        if last is None:
            self._upstream_gone("the connection was closed")
            return
        self._record.sent += len(last)
        self._finish(last)

    def upstream_lost(self, error: Exception | None) -> None:
        self._upstream_gone(str(error or "the connection was closed"))

    def _upstream_gone(self, detail: str) -> None:
        begun = self._answer.begun
        if begun or not self._attempts.ask_anew(self):
            self.fail(Failure(FailureReason.TRUNCATED if begun else FailureReason.RESET, detail))

    def upstream_full(self) -> None:
        self._attempts.hold_client()

    def upstream_writable(self) -> None:
        self._attempts.release_client()
        self.expect_progress()

    # Ends.

    def fail(self, failure: Failure) -> None:
        """Try another upstream if that can help and does no harm; else it is over."""
        if failure.fault is Fault.UPSTREAM:
            self._door.failed(self._lease, failure)
        if not self._attempts.ask_another(failure, self, begun=self._answer.begun):
            self._end(Outcome.FAILED, status=failure.status, reason=failure.reason, detail=failure.detail)

    def expired(self, now: float) -> None:
        """Something took too long, unless a slow peer is still taking what waits for it."""
        client_full, upstream_full = self._client.outflow is not None, self._attempts.outflow is not None
        owes, uploaded = self._upstream_owes, self._upload.done
        talking = self._answer.head is not None  # the upstream answers while it listens: it sets the pace
        due = NEVER if uploaded or owes or upstream_full or talking else self._upload.due(now)
        outflow = self._client.outflow or self._attempts.outflow
        if outflow is not None and now < due and not outflow.stuck(now):
            self._client.deadline = min(now + LOOK, due)
            return
        failure = overdue(client_full=client_full, upstream_full=upstream_full, upstream_owes=owes, uploaded=uploaded)
        if failure.fault is Fault.CLIENT:
            self._end(Outcome.CUT_BY_CLIENT, status=failure.status, reason=failure.reason)
        else:
            self.fail(failure)

    def wind_up(self) -> None:
        """Like :meth:`cut`, but an event stream ends in order: whoever follows it asks again where it stopped."""
        last = self._answer.end_early()
        if last is None:
            self.cut()
            return
        self._record.sent += len(last)
        self._record.reason = self._door.dropped(self._lease)
        self._finish(last, Outcome.CUT_BY_PROXY)

    def cut(self) -> None:
        """A drain or the end of the worker has run out of patience."""
        self._end(Outcome.CUT_BY_PROXY, status=503, reason=self._door.dropped(self._lease))

    def _finish(self, last: bytes, outcome: Outcome = Outcome.FINISHED) -> None:
        """The client has an answer that ends as it should, with these bytes.

        It is counted before they are sent: whatever a client has whole is counted, even if this process dies now.
        """
        answer, uploaded, head = self._answer, self._upload.done, self._record.head
        if answer.surplus:
            self._lease.upstream.surplus()
        self._attempts.release(reusable=answer.reusable)
        report(self._door, self._record, outcome)  # before it is in flight no more: who sees that, sees its error too
        if last:
            self._client.stream.write(last)
        self._lease.close(outcome)
        # To a client of 1.0 a reset, should it send a byte more, would look like a cut answer (RFC 9112 9.6).
        lingering = head.keep_alive or head.version < 11 or not uploaded
        self._client.exchange_over(keep_alive=answer.keep_alive, lingering=lingering)

    def _end(self, outcome: Outcome, *, status: int, reason: str, detail: str = "") -> None:
        """Anything but a whole answer: say so if nothing was sent yet, else let the client see that it was cut."""
        door, client, record = self._door, self._client, self._record
        self._attempts.drop()
        begun = record.status != 0
        if not begun:
            record.status = status
        record.reason = reason
        answer = None
        if not begun and status != GONE:
            door.meters.rejected(reason)
            keep_alive = may_keep_client(door, client, record.head, uploaded=self._upload.done)
            answer = plain_answer(door, record, detail or reason, keep_alive=keep_alive)
        report(door, record, outcome)
        self._lease.close(outcome)
        if answer is not None:
            answer.send(client)
        elif begun:
            client.abort()

    def _become_tunnel(self) -> None:
        upstream = self._attempts.hand_over()
        self._lease.lengthen()
        head = self._answer.head
        websocket = head is not None and head.upgrade.lower() == b"websocket"
        kind = WebSocketTunnel if websocket else Tunnel
        kind(self._door, self._client, upstream, self._record, self._lease).begin(self._answer.rest)
