"""The listening sockets in a worker: inherited, shared, and never shut down from here.

The supervisor keeps every listening socket open, so connections that wait in its queue outlive any worker. A worker
that stops closes only its own descriptors. When the whole program stops, nobody is left to accept what waits, so a
worker first takes what is in the queue.

A worker that has no room for another client stops accepting for a while. Newcomers wait in the queue then, unless
another worker takes them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection, Sequence
from typing import Final

from proxy.dataplane.door import Door, nobody_waits
from proxy.dataplane.downstream import PIECE, ClientConnection
from proxy.dataplane.preface import PrefaceReader
from proxy.dataplane.roles import Connection
from proxy.dataplane.room import WHOLE, Descriptors, Room, Share, room_for, share_idle
from proxy.dataplane.turns import LEFT_OVER, REST, Turns
from proxy.net.acceptor import Acceptor
from proxy.net.poller import Socket
from proxy.net.stream import Stream
from proxy.shm.names import PauseReason

BACKLOG: Final = 4096
"""Connections that may wait to be accepted; to listen on a shared socket sets this anew for all who share it."""

QUEUE = 4096
"""Connections that are taken from a queue at most when a worker stops: where others fill it, it never gets empty."""

CHECK: Final = 0.1
"""Seconds between two looks at the room there is, and before accepting is tried again that the kernel had refused."""

Newcomer = Callable[[Door], Connection]
"""What receives a connection that was just accepted."""


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
        self._acceptors = [self._acceptor(listener, listener.fileno() in proxied) for listener in self._sockets]
        self._share = share
        self._descriptors = Descriptors()
        self._room = self._measure()
        self._idle_shared = (0, 0)
        self._paused = False
        self._refused = False
        self._stopped = False
        self._turns = Turns(door.addresses)
        self._resting: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Accept from now on, as far as there is room."""
        for listener in self._sockets:
            listener.setblocking(False)
            listener.listen(BACKLOG)  # beside the workers of a dead supervisor it was only bound so far
            if listener.family != socket.AF_UNIX:  # what is accepted takes it over
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._check()

    def stop(self) -> None:
        """Accept no more, but leave nobody waiting who is in the queue already."""
        self._stopped = True
        self._door.on_leave = nobody_waits
        for timer in (self._timer, self._resting):
            if timer is not None:
                timer.cancel()
        self._close()
        for acceptor, listener in zip(self._acceptors, self._sockets, strict=True):
            self._empty_queue(acceptor)
            listener.close()

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

    def _acceptor(self, listener: socket.socket, proxied: bool) -> Acceptor:
        newcomer: Newcomer = PrefaceReader if proxied else ClientConnection

        def accepted(client: Socket, address: str) -> None:
            self._welcome(client, address, newcomer)

        return Acceptor(self._door.poller, listener, self._allowed, accepted, self._kernel_refuses)

    def _allowed(self) -> int:
        """How many clients may be accepted now. Without a turn this worker rests for a moment."""
        allowed = self._turns.allowed(len(self._door.connections))
        if not allowed:
            self._close()
            self._resting = self._door.loop.call_later(REST, self._end_rest)
        return allowed

    def _end_rest(self) -> None:
        """Take some of those who wait now, for the others have left them too."""
        self._resting = None
        for acceptor in self._acceptors:
            for _ in range(LEFT_OVER):
                if self._paused or not acceptor.take():
                    break
        self._open()

    def _welcome(self, client: Socket, address: str, newcomer: Newcomer) -> None:
        door = self._door
        if len(door.connections) + 1 >= self._room.clients:
            self._pause()
        try:
            Stream(door.poller, client, newcomer(door), PIECE, address)
        except OSError as error:
            client.close()
            self._kernel_refuses(error)

    def _kernel_refuses(self, error: OSError) -> None:
        """It has no descriptors or no memory for another client just now."""
        self._refused = True
        self._door.meters.paused(PauseReason.DESCRIPTORS)
        self._close()

    def _open(self) -> None:
        """Accept, unless there is no room or it is the turn of others; also again where the kernel had refused."""
        if self._paused or self._resting is not None:
            return
        if self._refused:
            self._refused = False
            self._door.meters.resumed()
        for acceptor in self._acceptors:
            acceptor.start()

    def _close(self) -> None:
        for acceptor in self._acceptors:
            acceptor.stop()

    def _empty_queue(self, acceptor: Acceptor) -> None:
        """Take what waits. As long as others keep the socket open new ones come, without end if they come fast."""
        for _ in range(QUEUE):
            if len(self._door.connections) >= self._descriptors.clients or not acceptor.take():
                return
