"""One client connection: reads request heads one after the other and gives each to an exchange.

At most one exchange is under way. What a client sends ahead (pipelining) waits here as bytes, and once a lot of it waits
the client is not read from any more; so answers keep their order, and memory its bounds.
"""

from __future__ import annotations

import asyncio
from typing import cast

from proxy.dataplane.door import Door
from proxy.dataplane.exchange import Exchange
from proxy.dataplane.responses import own_answer
from proxy.dataplane.roles import NEVER, Occupant
from proxy.http1.errors import Reason, RequestError
from proxy.http1.request import Forwarding, check_partial_head, head_end, read_request, skip_blank_lines
from proxy.upstream.connection import WRITE_HIGH, WRITE_LOW

MAX_AHEAD = 64 * 1024
"""Bytes that may wait here before the client is not read from any more."""

LINGER = 2.0
"""Seconds that a closing connection goes on reading, so that no reset destroys the answer on its way."""

MIN_IDLE = 5.0
"""Seconds a connection has to be idle before a stopping worker closes it; a client that means to reuse it has done so."""


class ClientConnection(asyncio.Protocol):
    """The transport to one client, and whose turn it is on it."""

    __slots__ = (
        "_ahead",
        "_at_work",
        "_eof",
        "_lingering",
        "_peer",
        "deadline",
        "door",
        "forwarding",
        "idle_since",
        "occupant",
        "transport",
    )

    transport: asyncio.Transport
    forwarding: Forwarding

    def __init__(self, door: Door) -> None:
        self.door = door
        self.occupant: Occupant | None = None
        self.deadline = NEVER
        """When, on the loop's clock, something has to have happened. Whoever is at work sets it; the sweeper looks."""
        self.idle_since = 0.0
        self._peer = ""
        self._ahead = b""
        self._at_work = False
        self._eof = False
        self._lingering = False

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH, low=WRITE_LOW)
        door = self.door
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        self.forwarding = door.forwarding(self._peer)
        meters = door.meters
        meters.cells[meters.connections] += 1
        meters.cells[meters.open_connections] += 1
        door.connections.add(self)
        self.idle_since = door.loop.time()
        self.deadline = self.idle_since + door.routing.door.timeouts.head

    def data_received(self, data: bytes) -> None:
        if self.occupant is not None:
            self.occupant.client_data(data)
        elif not self._lingering:
            self._ahead = self._ahead + data if self._ahead else data
            self._work()

    def eof_received(self) -> bool:
        """Keep the connection while an answer is owed: a client may close its side after its last request."""
        self._eof = True
        if self.occupant is not None:
            return self.occupant.client_eof()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        door = self.door
        door.meters.cells[door.meters.open_connections] -= 1
        door.connections.discard(self)
        self.deadline = NEVER
        occupant, self.occupant = self.occupant, None
        if occupant is not None:
            occupant.client_lost()

    def pause_writing(self) -> None:
        if self.occupant is not None:
            self.occupant.client_full()

    def resume_writing(self) -> None:
        if self.occupant is not None:
            self.occupant.client_writable()

    # What the occupant asks for.

    @property
    def peer(self) -> bytes:
        """The client's address."""
        return self._peer.encode()

    def keep_for_later(self, data: bytes) -> None:
        """Bytes beyond the request under way: they are the next one's."""
        self._ahead += data
        if len(self._ahead) > MAX_AHEAD:
            self.transport.pause_reading()

    def take_ahead(self) -> bytes:
        """What was kept for later; it is the taker's from now on."""
        ahead, self._ahead = self._ahead, b""
        return ahead

    def exchange_over(self, *, keep_alive: bool, lingering: bool) -> None:
        """The exchange has ended in order: go on with the next request, or close.

        ``lingering`` says that the client does not expect the close, or may still be sending.
        """
        self.occupant = None
        if not keep_alive or (self._eof and not self._ahead):
            self.close(lingering=lingering and not self._eof)
            return
        self.idle_since = self.door.loop.time()
        self.deadline = self.idle_since + self.door.routing.door.timeouts.idle
        self.transport.resume_reading()
        if self._ahead and not self._at_work:
            self._work()

    def close(self, *, lingering: bool) -> None:
        """Close after what was written has been sent.

        With ``lingering`` only our side is closed first, and what still comes is read and thrown away: closing a socket
        with unread input resets the connection, and the reset can overtake the answer.
        """
        self._ahead = b""
        if not lingering or not self.transport.can_write_eof():
            self.transport.close()
            return
        self._lingering = True
        self.deadline = self.door.loop.time() + LINGER
        self.transport.resume_reading()
        self.transport.write_eof()

    def abort(self) -> None:
        """End the connection at once, so that an answer cut short is seen to be cut short."""
        self.occupant = None
        self.transport.abort()

    # The sweeper and the end of the worker.

    def expired(self, now: float) -> None:
        """The deadline has passed."""
        self.deadline = NEVER
        if self.occupant is not None:
            self.occupant.expired(now)
        elif self._ahead:
            self._refuse(RequestError(Reason.TIMEOUT, "the request head did not arrive in time"))
        elif self._lingering:
            self.transport.close()
        else:
            self.close(lingering=True)

    def close_if_idle(self, now: float, min_idle: float) -> None:
        """While the worker stops: close a connection that has been idle for a while and has nothing waiting to be read."""
        if self.occupant is None and not self._ahead and not self._lingering and now - self.idle_since >= min_idle:
            self.close(lingering=True)

    # Reading heads.

    def _work(self) -> None:
        """Begin exchanges until one takes its time or the bytes run out: a loop, as pipelined requests must not nest."""
        self._at_work = True
        try:
            while self._ahead and self.occupant is None and not self._lingering:
                if not self._begin_exchange():
                    return
        except RequestError as error:
            self._refuse(error)
        finally:
            self._at_work = False

    def _begin_exchange(self) -> bool:
        """Whether there was a whole head to begin with."""
        limits = self.door.routing.door.limits
        ahead = self._ahead
        start = skip_blank_lines(ahead) if ahead.startswith(b"\r") else 0
        end = head_end(ahead, start)
        if end < 0 or end - start > limits.max_head:
            check_partial_head(ahead, limits, start)
            self._expect_head()
            return False
        head = read_request(ahead[start:end], max_headers=limits.max_headers)
        self._ahead = b""
        self.door.refresh()
        exchange = Exchange(self.door, self, head)
        self.occupant = exchange
        exchange.start(ahead[end:])
        return True

    def _expect_head(self) -> None:
        """The head has begun: from now on it has to be complete in time, however slowly bytes trickle in."""
        due = self.door.loop.time() + self.door.routing.door.timeouts.head
        self.deadline = min(self.deadline, due)

    def _refuse(self, error: RequestError) -> None:
        """Answer what cannot be read as a request, and read nothing more from this client."""
        request_id = self.door.refused(self.peer, error)
        self.transport.write(own_answer(error.status, request_id, str(error), keep_alive=False, head_only=False))
        self.close(lingering=True)
