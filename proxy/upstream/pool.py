"""The idle connections of one upstream, and the making of new ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from proxy.net.dialling import dial
from proxy.net.poller import Poller
from proxy.net.stream import Stream
from proxy.upstream.address import split_address
from proxy.upstream.connection import PIECE, UpstreamConnection

MAX_IDLE_AGE = 4.0
"""Seconds an idle connection is kept: below the 5 s after which common servers close theirs."""

SAFE_IDLE_AGE: Final = 0.005
"""Seconds up to which an idle connection may carry a request that must not be sent twice, whatever the upstream.

No server is so impatient that it closes one so soon. With most it may be much older, and they show it: half of the age
that other connections have reached is safe too. That matters under load, where new connections would cost so much that
the old ones grew older still.
"""

MAX_IDLE: Final = 512
"""Idle connections kept per upstream and worker, at most."""


class IdlePool:
    """Idle connections of one upstream, the freshest on top: the others grow old and are closed."""

    __slots__ = ("_closed", "_idle", "_limit", "_on_surplus", "_safe_age", "host", "port")

    def __init__(self, address: str, on_surplus: Callable[[], None]) -> None:
        """``on_surplus`` is told when this upstream sends something that nobody has asked for."""
        self.host, self.port = split_address(address)
        self._on_surplus = on_surplus
        self._idle: list[UpstreamConnection] = []
        self._closed = False
        self._safe_age = SAFE_IDLE_AGE
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
            if not repeatable and not idle[-1].lost and now - idle[-1].idle_since > self._safe_age:
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
        """Close what has been idle for too long, and learn from the rest how patient the upstream is."""
        old = 0
        for connection in self._idle:  # the oldest come first
            if connection.lost:
                self._safe_age = SAFE_IDLE_AGE  # it has begun to close them, and may close others just now
            elif now - connection.idle_since > MAX_IDLE_AGE:
                connection.discard()
            else:
                break
            old += 1
        del self._idle[:old]
        if self._idle and not old:
            self._safe_age = max(self._safe_age, (now - self._idle[0].idle_since) / 2)

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
