"""The listening sockets in a worker: inherited, shared, and never shut down from here.

The supervisor keeps every listening socket open, so connections that wait in its queue outlive any worker. A worker that
stops closes only its own descriptor. When the whole program stops, nobody is left to accept what waits, so a worker first
takes everything that is in the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence

from proxy.dataplane.door import Door
from proxy.dataplane.downstream import ClientConnection


class Listening:
    """Accepts clients on inherited sockets until it is told to stop."""

    def __init__(self, door: Door, descriptors: Sequence[int]) -> None:
        self._door = door
        self._sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """Accept from now on."""
        for listener in self._sockets:
            listener.setblocking(False)
            self._servers.append(await self._serve(listener.dup()))

    async def _serve(self, listener: socket.socket) -> asyncio.Server:
        loop = self._door.loop
        if listener.family == socket.AF_UNIX:
            return await loop.create_unix_server(self._accept, sock=listener)
        return await loop.create_server(self._accept, sock=listener)

    async def stop(self) -> None:
        """Accept no more, but leave nobody waiting who is in the queue already."""
        for server in self._servers:
            server.close()
        for listener in self._sockets:
            await self._empty_queue(listener)
            listener.close()

    async def _empty_queue(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # nothing waits any more; or no descriptor is left, and then nothing can be done
                return
            with contextlib.suppress(OSError):
                await self._door.loop.connect_accepted_socket(self._accept, client)

    def _accept(self) -> ClientConnection:
        return ClientConnection(self._door)
