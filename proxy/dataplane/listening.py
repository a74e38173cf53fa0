"""The listening sockets in a worker: inherited, shared, and never shut down from here.

The supervisor keeps every listening socket open, so connections that wait in its queue outlive any worker. A worker
that stops closes only its own descriptors. When the whole program stops, nobody is left to accept what waits, so a
worker first takes what is in the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from typing import Any

from proxy.dataplane.door import Door
from proxy.dataplane.downstream import ClientConnection

BACKLOG = 4096
"""Connections that may wait to be accepted; to listen on a shared socket sets this anew for all who share it."""

CHECK = 0.1
"""Seconds between two looks whether a socket is still accepted from: the pause after the kernel had nothing left."""


class Listening:
    """Accepts clients on inherited sockets until it is told to stop."""

    def __init__(self, door: Door, descriptors: Sequence[int]) -> None:
        self._door = door
        self._sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        self._servers: dict[socket.socket, asyncio.Server] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Accept from now on."""
        for listener in self._sockets:
            listener.setblocking(False)
            await self._serve(listener)
        self._timer = self._door.loop.call_later(CHECK, self._check)

    async def _serve(self, listener: socket.socket) -> None:
        loop, duplicate = self._door.loop, listener.dup()
        # The file of a unix socket is the supervisor's; from Python 3.13 on the loop would remove it.
        keep: dict[str, Any] = {"cleanup_socket": False} if listener.family == socket.AF_UNIX else {}
        create = loop.create_unix_server if keep else loop.create_server
        try:
            self._servers[listener] = await create(self._accept, sock=duplicate, backlog=BACKLOG, **keep)
        except BaseException:
            duplicate.close()
            raise

    def _check(self) -> None:
        """Accept again where that has ended: after an error of the kernel (no memory?) the loop gives a socket up."""
        dead = [listener for listener, server in self._servers.items() if not _accepts(server)]
        if dead and (self._opening is None or self._opening.done()):
            self._opening = self._door.loop.create_task(self._serve_again(dead))
        self._timer = self._door.loop.call_later(CHECK, self._check)

    async def _serve_again(self, listeners: Sequence[socket.socket]) -> None:
        with contextlib.suppress(OSError):  # then at the next look
            for listener in listeners:
                self._servers[listener].close()
                await self._serve(listener)

    async def stop(self) -> None:
        """Accept no more, but leave nobody waiting who is in the queue already."""
        if self._timer is not None:
            self._timer.cancel()
        if self._opening is not None:
            await self._opening
        for server in self._servers.values():
            server.close()
        for listener in self._sockets:
            await self._empty_queue(listener)
            listener.close()
        await asyncio.sleep(0)  # those accepted last become connections in the next round of the loop

    async def _empty_queue(self, listener: socket.socket) -> None:
        """Take what waits. As long as others keep the socket open new ones come, without end if they come fast."""
        for _ in range(BACKLOG):
            try:
                client, _ = listener.accept()
            except OSError:  # nothing waits any more; or no descriptor is left, and then nothing can be done
                return
            with contextlib.suppress(OSError):
                await self._door.loop.connect_accepted_socket(self._accept, client)

    def _accept(self) -> ClientConnection:
        return ClientConnection(self._door)


def _accepts(server: asyncio.Server) -> bool:
    """Whether the loop still has the server's socket."""
    sockets: Sequence[socket.socket | None] = server.sockets  # uvloop has None for one that it has closed
    return bool(sockets) and all(listener is not None and listener.fileno() >= 0 for listener in sockets)
