"""The idle connections of one upstream, and the making of new ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from proxy.net.dialling import dial
from proxy.net.poller import Poller
from proxy.net.stream import Stream
from proxy.upstream.address import split_address
from proxy.upstream.connection import PIECE, UpstreamConnection

MAX_IDLE_AGE = 4.0
"""Seconds an idle connection is kept: below the 5 s after which common servers close theirs."""

SAFE_IDLE_AGE = 0.005
"""Seconds up to which an idle connection may carry a request that must not be sent twice.

Under load a connection is idle for less than that, and no server is so impatient that it closes one so soon. Where
there is no load a new connection is cheap.
"""

MAX_IDLE = 512
"""Idle connections kept per upstream and worker, at most."""


class IdlePool:
    """Idle connections of one upstream, the freshest on top: the others grow old and are closed."""

    __slots__ = ("_closed", "_idle", "_limit", "_on_surplus", "host", "port")

    def __init__(self, address: str, on_surplus: Callable[[], None]) -> None:
        """``on_surplus`` is told when this upstream sends something that nobody has asked for."""
        self.host, self.port = split_address(address)
        self._on_surplus = on_surplus
        self._idle: list[UpstreamConnection] = []
        self._closed = False
        self._limit = MAX_IDLE

    def keep_at_most(self, count: int) -> None:
        """Keep fewer idle connections than ``MAX_IDLE``, where descriptors are scarce."""
        self._limit = min(count, MAX_IDLE)

    def take(self, now: float, *, repeatable: bool) -> UpstreamConnection | None:
        """An idle connection, or ``None`` when a new one has to be made.

        Args:
            now: seconds of the loop's clock.
            repeatable: whether the request may be sent again if the upstream turns out to be closing this connection.
                One that may not gets only a connection that was in use a moment ago.
        """
        idle = self._idle
        while idle:
            if not repeatable and not idle[-1].lost and now - idle[-1].idle_since > SAFE_IDLE_AGE:
                return None  # for those below it are older still
            connection = idle.pop()
            if connection.fit_for_use():
                return connection
        return None

    def put(self, connection: UpstreamConnection, now: float) -> None:
        """Keep a connection for the next request."""
        if self._closed or len(self._idle) >= self._limit:
            connection.discard()
            return
        connection.borrower = None
        connection.stream.resume_reading()  # a slow client may have paused it, and its end must not go unseen here
        connection.idle_since = now
        self._idle.append(connection)

    def sweep(self, now: float) -> None:
        """Close what has been idle for too long."""
        keep = 0
        for connection in self._idle:  # the oldest come first
            if not connection.lost and now - connection.idle_since <= MAX_IDLE_AGE:
                break
            if not connection.lost:
                connection.discard()
            keep += 1
        if keep:
            del self._idle[:keep]

    def close(self) -> None:
        """Close every idle connection, and keep none from now on: nobody will ask for them."""
        self._closed = True
        for connection in self._idle:
            if not connection.lost:
                connection.discard()
        self._idle.clear()

    def __len__(self) -> int:
        return len(self._idle)

    async def connect(self, poller: Poller, timeout: float) -> UpstreamConnection:
        """A new connection to the upstream.

        Raises:
            TimeoutError: it was not made within ``timeout`` seconds.
            ConnectionResetError: it was made, and closed at once, or the upstream spoke before it was asked.
            OSError: it was refused, unroutable, or the name did not resolve.
        """
        async with asyncio.timeout(timeout):
            connected = await dial(poller.loop, self.host, self.port)
        connection = UpstreamConnection(self._on_surplus)
        try:
            Stream(poller, connected, connection, PIECE)
        except BaseException:
            connected.close()
            raise
        if not connection.fit_for_use():
            raise ConnectionResetError("the connection was of no use from the start")
        return connection
