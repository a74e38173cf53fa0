"""The listening sockets in a worker: inherited, shared, and never shut down from here.

The supervisor keeps every listening socket open, so connections that wait in its queue outlive any worker. A worker
that stops closes only its own descriptors. When the whole program stops, nobody is left to accept what waits, so a
worker first takes what is in the queue.

A worker that has no room for another client stops accepting for a while. Newcomers wait in the queue then, unless
another worker takes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Collection, Sequence
from typing import Any

from proxy.dataplane.door import Door, nobody_waits
from proxy.dataplane.downstream import ClientConnection
from proxy.dataplane.preface import PrefaceReader
from proxy.dataplane.room import WHOLE, Descriptors, Room, Share, room_for, share_idle

BACKLOG = 4096
"""Connections that may wait to be accepted; to listen on a shared socket sets this anew for all who share it."""

CHECK = 0.1
"""Seconds between two looks at the room there is, and whether a socket is still accepted from: after an error of the
kernel (no memory?) the loop gives it up."""

Factory = Callable[[], asyncio.BaseProtocol]


class Listening:
    """Accepts clients on inherited sockets until it is told to stop."""

    def __init__(
        self, door: Door, descriptors: Sequence[int], proxied: Collection[int] = (), share: Share = WHOLE
    ) -> None:
        """Connections to those of the ``descriptors`` that are ``proxied`` begin with a PROXY header.

        ``share`` says how much of the room for clients is this worker's.
        """
        self._door = door
        self._sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        self._proxied = frozenset(proxied)
        self._share = share
        self._servers: dict[socket.socket, asyncio.Server] = {}
        self._descriptors = Descriptors()
        self._room = self._measure()
        self._idle_shared = (0, 0)
        self._paused = False
        self._stopped = False
        self._timer: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Accept from now on, as far as there is room."""
        self._look()
        for listener in self._sockets:
            listener.setblocking(False)
            if not self._paused:
                await self._serve(listener)
        self._timer = self._door.loop.call_later(CHECK, self._check)

    async def stop(self) -> None:
        """Accept no more, but leave nobody waiting who is in the queue already."""
        self._stopped = True
        self._door.on_leave = nobody_waits
        if self._timer is not None:
            self._timer.cancel()
        if self._opening is not None:
            await self._opening
        self._close()
        for listener in self._sockets:
            await self._empty_queue(listener)
            listener.close()
        await asyncio.sleep(0)  # those accepted last become connections in the next round of the loop

    # Room for clients.

    def _check(self) -> None:
        self._timer = self._door.loop.call_later(CHECK, self._check)
        self._share_idle()
        self._look()
        self._open()

    def _look(self) -> None:
        """Pause or go on, as the room for clients has it."""
        if self._stopped:
            return
        self._room = room = self._measure()
        here = len(self._door.connections)
        if here >= room.clients:
            self._pause()
        elif self._paused and here <= room.again:
            self._resume()

    def _measure(self) -> Room:
        return room_for(self._descriptors.clients, self._door.routing.door.limits.max_connections, self._share)

    def _pause(self) -> None:
        if self._paused or self._stopped:
            return
        self._paused = True
        self._door.meters.paused(self._room.bound)
        self._door.on_leave = self._look
        self._close()

    def _resume(self) -> None:
        self._paused = False
        self._door.meters.resumed()
        self._door.on_leave = nobody_waits
        self._open()

    def _share_idle(self) -> None:
        wanted = (self._door.routing.generation, self._descriptors.idle)
        if wanted != self._idle_shared:
            self._idle_shared = wanted
            share_idle(self._door.routing, self._descriptors.idle)

    # Sockets.

    async def _serve(self, listener: socket.socket) -> None:
        loop, duplicate = self._door.loop, listener.dup()
        # The file of a unix socket is the supervisor's; from Python 3.13 on the loop would remove it.
        keep: dict[str, Any] = {"cleanup_socket": False} if listener.family == socket.AF_UNIX else {}
        create = loop.create_unix_server if keep else loop.create_server
        try:
            self._servers[listener] = await create(self._protocol(listener), sock=duplicate, backlog=BACKLOG, **keep)
        except BaseException:
            duplicate.close()
            raise

    def _open(self) -> None:
        """Accept where nobody does: after a pause, or after an error that made the loop give a socket up."""
        closed = [listener for listener in self._sockets if not self._accepts(listener)]
        if closed and not self._paused and (self._opening is None or self._opening.done()):
            self._opening = self._door.loop.create_task(self._serve_again(closed))

    async def _serve_again(self, listeners: Sequence[socket.socket]) -> None:
        with contextlib.suppress(OSError):  # then at the next look
            for listener in listeners:
                if server := self._servers.pop(listener, None):
                    server.close()
                await self._serve(listener)
        if self._paused:  # meanwhile
            self._close()

    def _accepts(self, listener: socket.socket) -> bool:
        """Whether the loop has the socket, and has not given it up."""
        server = self._servers.get(listener)
        sockets: Sequence[socket.socket | None] = server.sockets if server is not None else ()
        # uvloop has None for one that it has closed
        return bool(sockets) and all(each is not None and each.fileno() >= 0 for each in sockets)

    def _close(self) -> None:
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    async def _empty_queue(self, listener: socket.socket) -> None:
        """Take what waits. As long as others keep the socket open new ones come, without end if they come fast."""
        for _ in range(BACKLOG):
            if len(self._door.connections) >= self._descriptors.clients:
                return
            try:
                client, _ = listener.accept()
            except OSError:  # nothing waits any more
                return
            with contextlib.suppress(OSError):
                await self._door.loop.connect_accepted_socket(self._protocol(listener), client)

    def _protocol(self, listener: socket.socket) -> Factory:
        """What makes the protocol of a connection that came in there."""
        door = self._door
        protocol = PrefaceReader if listener.fileno() in self._proxied else ClientConnection

        def accepted() -> asyncio.BaseProtocol:
            if len(door.connections) + 1 >= self._room.clients:
                door.loop.call_soon(self._pause)  # not at once: what was just accepted hangs on its server still
            return protocol(door)

        return accepted
