"""Who is told when a socket is ready: an epoll of our own that the event loop watches as one of its descriptors.

The loop stays what it is for timers, signals and tasks. The sockets of clients and upstreams do not go through its
transports, which cost more for each connection and each read than the proxy has to spend.

Sockets are registered once, edge-triggered. So pausing and going on cost no system call, and the kernel does not look
again at a socket whose news was told; in return whoever was told has to read until nothing is left (epoll(7),
"Level-triggered and edge-triggered"). That there is room to write is told only to who has asked for it, lest every new
socket be looked at once for that alone.
"""

from __future__ import annotations

import asyncio
import select
import socket
from typing import Final

# The values of select.EPOLLIN and so on: as literals they cost nothing.
READABLE: Final = 0x001
URGENT: Final = 0x002
WRITABLE: Final = 0x004
BROKEN: Final = 0x008 | 0x010
PEER_CLOSED: Final = 0x2000
_EDGES: Final = 0x001 | 0x002 | 0x2000 | 0x80000000
_EDGES_BOTH_WAYS: Final = 0x001 | 0x002 | 0x004 | 0x2000 | 0x80000000
LEVEL_READABLE: Final = 0x001

Socket = socket.SocketType
"""A socket as the interpreter has it, without the wrapper in the standard library: there is one for each connection."""

BATCH: Final = 256
"""Sockets that are looked after before the loop has its turn again."""


class Watched:
    """Something with a descriptor."""

    __slots__ = ()

    def ready(self, events: int) -> None:
        """The kernel has news of the descriptor. They are a hint: the socket may be in another state by now."""
        raise NotImplementedError

    def failed(self, error: Exception) -> None:
        """Something that it was told of has raised this: a fault of ours, and reported already."""


class Poller:
    """The descriptors of one worker, and who looks after each."""

    __slots__ = ("_epoll", "_watched", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch from now on, below this loop."""
        self.loop = loop
        self._epoll = select.epoll()
        self._watched: dict[int, Watched] = {}
        loop.add_reader(self._epoll.fileno(), self._run)

    def watch(self, descriptor: int, watched: Watched, events: int = _EDGES) -> None:
        """Tell ``watched`` of a descriptor's news. Raises ``OSError`` where the kernel has no room for it."""
        self._watched[descriptor] = watched
        try:
            self._epoll.register(descriptor, events)
        except BaseException:
            del self._watched[descriptor]
            raise

    def watch_both_ways(self, descriptor: int) -> None:
        """Tell also when there is room to write: now if there is, and from now on whenever there is again."""
        self._epoll.modify(descriptor, _EDGES_BOTH_WAYS)

    def forget(self, descriptor: int) -> None:
        """Tell nobody any more; the descriptor is going to be closed, which also ends it for the kernel."""
        self._watched.pop(descriptor, None)

    def release(self, descriptor: int) -> None:
        """Tell nobody any more of a descriptor that stays open."""
        if self._watched.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def close(self) -> None:
        """Watch nothing any more."""
        self.loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._watched.clear()

    def contain(self, watched: Watched, error: Exception) -> None:
        """Report a fault of ours, and let it end nothing but what it happened to."""
        self.loop.call_exception_handler({"message": f"Unexpected error at {watched}", "exception": error})
        watched.failed(error)

    def _run(self) -> None:
        find = self._watched.get
        for descriptor, events in self._epoll.poll(0, BATCH):
            watched = find(descriptor)
            if watched is not None:  # else it was closed by somebody who came before it
                try:
                    watched.ready(events)
                except Exception as error:  # noqa: BLE001 - the rest of the batch is told its news now or never
                    self.contain(watched, error)
