"""One client connection: reads request heads one after the other and gives each to an exchange.

At most one exchange is under way, and none begins while the client has not taken the last answer. What a client sends
ahead (pipelining) waits here as bytes, and once a lot of it waits the client is not read from any more; so answers keep
their order, and memory its bounds.
"""

from __future__ import annotations

from typing import Final

from proxy.dataplane.door import Door
from proxy.dataplane.farewell import LINGER, LINGER_AFTER_ANSWER, Farewell
from proxy.dataplane.inbox import Inbox
from proxy.dataplane.reception import receive
from proxy.dataplane.responses import own_answer
from proxy.dataplane.roles import LOOK, NEVER, Client
from proxy.http1.errors import Reason, RequestError
from proxy.http1.request import Forwarding
from proxy.net.outflow import Outflow
from proxy.net.stream import Stream
from proxy.shm.addresses import Place

PIECE: Final = 48 * 1024
"""Bytes that are read at once from a client: less than from an upstream, for there are more and most send little."""

MIN_IDLE: Final = 5.0
"""Seconds of idleness before a stopping worker closes a connection; a client that means to reuse it has done so."""


Announced = tuple[str, Forwarding]
"""A client's address (empty if it has none), and what upstreams are told of it."""


class ClientConnection(Client):
    """The stream to one client, and whose turn it is on it."""

    __slots__ = (
        "_announced",
        "_at_work",
        "_closing",
        "_farewell",
        "_inbox",
        "_place",
        "door",
        "idle_since",
    )

    def __init__(self, door: Door, announced: Announced | None = None) -> None:
        """``announced`` is whose connection it is, where the peer has said that it speaks for somebody else."""
        self.door = door
        self._announced = announced
        self.occupant = None
        self.deadline = NEVER
        self.ended = False
        self.idle_since = 0.0
        self.outflow = None
        self.peer = b""
        self._place: Place | None = None  # where its address is counted
        self._inbox = Inbox()
        self._at_work = False
        self._closing = False
        self._farewell: Farewell | None = None

    # What the stream tells.

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream
        door = self.door
        if self._announced is None:
            address = stream.peer
            self.forwarding = door.forwarding(address)
        else:
            address, self.forwarding = self._announced
        self.peer = address.encode()
        meters = door.meters
        meters.cells[meters.connections] += 1
        meters.cells[meters.open_connections] += 1
        door.connections.add(self)
        self.idle_since = door.loop.time()
        self.deadline = self.idle_since + door.routing.door.timeouts.head
        limit = door.routing.door.limits.max_connections_per_address
        if limit is not None and address and not self.forwarding.trusted:
            self._enter(address, limit)

    def data_received(self, data: bytes) -> None:
        if self.occupant is not None:
            self.occupant.client_data(data)
        elif self.outflow is not None:
            self.keep_for_later(data)
        elif not self._closing:
            self._inbox.add(data)
            self._work()

    def eof_received(self) -> bool:
        """Keep the connection while an answer is owed: a client may close its side after its last request."""
        self.ended = True
        if self.occupant is not None:
            return self.occupant.client_eof()
        if self._inbox.data and self.outflow is not None:
            return True
        self.close(linger=0.0)
        return False

    def connection_lost(self, error: Exception | None) -> None:
        door = self.door
        door.meters.cells[door.meters.open_connections] -= 1
        door.connections.discard(self)
        if self._place is not None:
            door.visitors.leave(self._place)
        door.on_leave()
        self.deadline = NEVER
        self._closing = True
        self._farewell = None
        occupant, self.occupant = self.occupant, None
        if occupant is not None:
            occupant.client_lost()

    def pause_writing(self) -> None:
        now, stall = self.door.loop.time(), self.door.routing.door.timeouts.stall
        self.outflow = Outflow(self.stream, now, stall)
        self.deadline = now + stall
        if self.occupant is not None:
            self.occupant.client_full()

    def resume_writing(self) -> None:
        if self._closing:
            return
        self.outflow = None
        if self.occupant is not None:
            self.occupant.client_writable()
        else:
            self._next()

    # What the occupant asks for.

    @property
    def has_next(self) -> bool:
        """Whether the client has sent another whole head ahead."""
        return self._inbox.has_head

    def read_on(self) -> None:
        """Read from the client again, after a pause."""
        if not self.ended:  # else its end would be told once more
            self.stream.resume_reading()

    def keep_for_later(self, data: bytes) -> None:
        """Bytes beyond the request under way: they are the next one's."""
        if self._closing:
            return
        self._inbox.add(data)
        if self._inbox.full:
            self.stream.pause_reading()

    def take_ahead(self) -> bytes:
        """What was kept for later; it is the taker's from now on."""
        return self._inbox.take()

    def exchange_over(self, *, keep_alive: bool, lingering: bool) -> None:
        """The exchange has ended in order: go on with the next request, or close.

        ``lingering`` says that the client does not expect the close, or may still be sending.
        """
        self.occupant = None
        if keep_alive and (self._inbox.data or not self.ended):
            self._next()
        else:
            lingering = (lingering or self._inbox.data != b"") and not self.ended
            self.close(linger=LINGER_AFTER_ANSWER if lingering else 0.0)

    def close(self, *, linger: float) -> None:
        """Close after what was written has been sent, and after so many seconds in which what still comes is read."""
        self._closing = True
        self._inbox.take()
        stall = self.door.routing.door.timeouts.stall
        self._farewell = Farewell(self, linger, now=self.door.loop.time(), stall=stall)

    def abort(self) -> None:
        """End the connection by a RST, so that a cut answer is seen to be cut. The occupant hears nothing."""
        self.occupant = None
        self._farewell = None
        self._closing = True
        self.stream.reset()

    # The sweeper and the end of the worker.

    def expired(self, now: float) -> None:
        """The deadline has passed."""
        self.deadline = NEVER
        if self.occupant is not None:
            self.occupant.expired(now)
        elif self._farewell is not None:
            self._farewell.expired(now)
        elif self.outflow is not None:
            self._look_after_outflow(self.outflow, now)
        elif self._inbox.data:
            self._refuse(RequestError(Reason.TIMEOUT, "the request head did not arrive in time"))
        else:
            self._close_idle(now)

    def close_if_idle(self, now: float, min_idle: float) -> None:
        """While the worker stops: close a connection that has been idle for a while."""
        busy = self.occupant is not None or self._inbox.data or self._closing or self.outflow is not None
        if not busy and now - self.idle_since >= min_idle:
            self._close_idle(now)

    def _close_idle(self, now: float) -> None:
        if self.stream.is_silent():
            self.close(linger=LINGER)
        else:  # a request is here already and is read next: it shall have its answer
            self.deadline = now + LINGER

    def _look_after_outflow(self, outflow: Outflow, now: float) -> None:
        if outflow.stuck(now):
            self.abort()
        else:
            self.deadline = now + LOOK

    # Reading heads.

    def _next(self) -> None:
        """Nothing is under way: wait for the next request, or begin with it if it is here already."""
        self.idle_since = now = self.door.loop.time()
        timeouts = self.door.routing.door.timeouts
        self.deadline = now + (timeouts.idle if self.outflow is None else timeouts.stall)
        self.read_on()
        if self._inbox.data and not self._at_work:
            self._work()

    def _work(self) -> None:
        """Begin exchanges until one takes its time or the bytes run out: in a loop, lest pipelined requests nest."""
        self._at_work = True
        try:
            while self._inbox.data and self.occupant is None and self.outflow is None:
                if not self._begin_exchange():
                    return
        except RequestError as error:
            self._refuse(error)
        finally:
            self._at_work = False

    def _begin_exchange(self) -> bool:
        """Whether there was a whole head to begin with."""
        request = self._inbox.next_request(self.door.routing.door.limits, self.door.recent_fields)
        if request is None:
            self._expect_more()
            return False
        self.door.refresh()
        receive(self.door, self, *request)
        if self.ended and (occupant := self.occupant) is not None:
            occupant.client_eof()  # it came before the turn of this request
        return True

    def _expect_more(self) -> None:
        """The head has begun: from now on it has to be complete in time, however slowly bytes trickle in."""
        if self.ended:
            self.close(linger=0.0)
            return
        due = self.door.loop.time() + self.door.routing.door.timeouts.head
        self.deadline = min(self.deadline, due)

    # Refusals.

    def _enter(self, address: str, limit: int) -> None:
        """Count the client's address, and turn the client away if that has too many connections already."""
        self._place = self.door.visitors.enter(address, limit)
        if self._place is None:
            self._answer(RequestError(Reason.TOO_MANY_CONNECTIONS, "there are too many connections from your address"))
            self.stream.receive()  # unread input would reset the connection, and the answer be lost
            self.close(linger=0.0)  # whoever floods us is not waited for

    def _refuse(self, error: RequestError) -> None:
        """Answer what cannot be read as a request, and read nothing more from this client."""
        self._answer(error)
        self.close(linger=0.0 if self.ended else LINGER_AFTER_ANSWER)

    def _answer(self, error: RequestError) -> None:
        request_id, came = self.door.new_request_id(), self._inbox.data
        answer = own_answer(
            error.status,
            request_id,
            str(error),
            date=self.door.date.now(),
            keep_alive=False,
            head_only=came.lstrip(b"\r\n").startswith(b"HEAD "),
            fields=error.fields,
        )
        self.door.refused(self.peer, request_id, error, len(came), len(answer))
        self.stream.write(answer)
