"""The idle connections of one upstream, and the making of new ones."""

from __future__ import annotations

import asyncio

from proxy.upstream.address import split_address
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.transports import is_silent

MAX_IDLE_AGE = 4.0
"""Seconds an idle connection is kept: below the 5 s after which common servers close theirs."""

SAFE_IDLE_AGE = 0.005
"""Seconds up to which an idle connection may carry a request that must not be sent twice.

Under load a connection is idle for less than that, and no server is so impatient that it closes one so soon. Where
there is no load a new connection is cheap.
"""

MAX_IDLE = 512
"""Idle connections kept per upstream and worker."""


class IdlePool:
    """Idle connections of one upstream, the freshest on top: the others grow old and are closed."""

    __slots__ = ("_closed", "_idle", "host", "port")

    def __init__(self, address: str) -> None:
        self.host, self.port = split_address(address)
        self._idle: list[UpstreamConnection] = []
        self._closed = False

    def take(self, now: float, *, repeatable: bool) -> UpstreamConnection | None:
        """An idle connection, or ``None`` when a new one has to be made.

        Args:
            now: seconds of the loop's clock.
            repeatable: whether the request may be sent again if the upstream turns out to be closing this connection.
                One that may not gets only a connection that was in use a moment ago and is still silent.
        """
        while self._idle:
            connection = self._idle.pop()
            if connection.lost:
                continue
            if repeatable:
                return connection
            if now - connection.idle_since > SAFE_IDLE_AGE:  # and so are all below it
                self._idle.append(connection)
                return None
            if is_silent(connection.transport):
                return connection
            connection.discard()
        return None

    def put(self, connection: UpstreamConnection, now: float) -> None:
        """Keep a connection for the next request."""
        if self._closed or len(self._idle) >= MAX_IDLE:
            connection.discard()
            return
        connection.borrower = None
        connection.transport.resume_reading()  # a slow client may have paused it, and its end must not go unseen here
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

    async def connect(self, loop: asyncio.AbstractEventLoop, timeout: float) -> UpstreamConnection:
        """A new connection to the upstream.

        Raises:
            TimeoutError: it was not made within ``timeout`` seconds.
            OSError: it was refused, unroutable, or the name did not resolve.
        """
        connection = UpstreamConnection()
        try:
            async with asyncio.timeout(timeout):
                await loop.create_connection(lambda: connection, self.host, self.port)
        except BaseException:
            connection.discard()  # it may have been made in the very moment in which nobody wanted it any more
            raise
        return connection
