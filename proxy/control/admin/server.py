"""Serving the admin API: on given sockets, for so many connections and no longer than it takes.

The admin API shares a process with the health checks, so a client that is slow, or many of them, must not use up what
these need: descriptors above all.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from proxy.control.admin.app import create_app
from proxy.control.admin.context import AdminContext

MOST_CONNECTIONS = 384
"""The event streams that there may be (``MOST_STREAMS``), and twice as many other calls."""

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
            logger=_quiet_logger(),
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
        for each in sockets:
            server._listening.append(await server._listen(each))
        return server

    async def stop(self) -> None:
        """Take nothing new, end the event streams, and give what is under way a moment."""
        for listening in self._listening:
            listening.close()
        for timer in self._silent.values():
            timer.cancel()
        await self._runner.cleanup()

    async def _listen(self, sock: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        if sock.family == socket.AF_UNIX:
            return await loop.create_unix_server(self._accept, sock=sock, backlog=_BACKLOG)
        return await loop.create_server(self._accept, sock=sock, backlog=_BACKLOG)

    def _accept(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        assert server is not None
        connections = server.connections
        if len(connections) >= MOST_CONNECTIONS:
            return _Refusal()
        if len(self._silent) >= MOST_CONNECTIONS:  # most of them went away without a word
            for gone in self._silent.keys() - set(connections):
                self._silent.pop(gone).cancel()
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


def _quiet_logger() -> logging.Logger:
    """A logger for aiohttp. Who does not speak HTTP is told so in the answer, and who hangs up in the midst of a body
    wants none: neither must fill the log.
    """
    logger = logging.getLogger("proxy.control.admin.http")
    logger.addFilter(_is_ours)
    return logger


def _is_ours(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError | ConnectionError))


class _Refusal(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
