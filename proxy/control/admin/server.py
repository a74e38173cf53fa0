"""Serving the admin API: on given sockets, for so many connections and no longer than it takes.

The admin API shares a process with the health checks, so a client that is slow, or many of them, must not use up what
these need: descriptors above all.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from proxy.control.admin.app import create_app
from proxy.control.admin.context import AdminContext

MOST_CONNECTIONS = 256
HEAD_TIMEOUT = 10.0
"""Seconds in which a new connection has to bring a whole request head."""

IDLE_TIMEOUT = 75.0
"""Seconds that a connection may stay open between two requests."""

LINGER = 2.0
"""Seconds for which the rest of a refused body is read and thrown away, so that the refusal is not lost in a reset."""

STOP_TIMEOUT = 1.0
"""Seconds that calls under way may still take when the program stops."""

_BACKLOG = 128


class AdminServer:
    """The admin API on some sockets. Made by :meth:`start`."""

    def __init__(self, app: web.Application) -> None:
        app.middlewares.insert(0, self._noting())
        self._runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=IDLE_TIMEOUT,
            lingering_time=LINGER,
            auto_decompress=False,
            shutdown_timeout=STOP_TIMEOUT,
        )
        self._silent: dict[asyncio.BaseProtocol, asyncio.TimerHandle] = {}
        """The connections that have brought no request yet, and what will close them."""
        self._listening: list[asyncio.Server] = []

    @classmethod
    async def start(cls, context: AdminContext, sockets: Sequence[socket.socket]) -> AdminServer:
        """Serve on sockets that listen already. They are closed by :meth:`stop`."""
        server = cls(create_app(context))
        await server._runner.setup()
        loop = asyncio.get_running_loop()
        for each in sockets:
            server._listening.append(await loop.create_server(server._accept, sock=each, backlog=_BACKLOG))
        return server

    async def stop(self) -> None:
        """Take nothing new, end the event streams, and give what is under way a moment."""
        for listening in self._listening:
            listening.close()
        for timer in self._silent.values():
            timer.cancel()
        await self._runner.cleanup()

    def _accept(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        assert server is not None
        if len(server.connections) >= MOST_CONNECTIONS:
            return _Refusal()
        connection = server()
        timer = asyncio.get_running_loop().call_later(HEAD_TIMEOUT, self._close_silent, connection)
        self._silent[connection] = timer
        return connection

    def _close_silent(self, connection: web.RequestHandler) -> None:
        del self._silent[connection]
        connection.force_close()

    def _noting(self) -> Middleware:
        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            timer = self._silent.pop(request.protocol, None)
            if timer is not None:
                timer.cancel()
            return await handler(request)

        return note


class _Refusal(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
