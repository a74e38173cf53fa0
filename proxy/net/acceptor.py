"""A listening socket of which clients are taken one by one."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Final

from proxy.net.poller import LEVEL_READABLE, Poller, Socket, Watched

_LEFT: Final = frozenset(
    {
        errno.ECONNABORTED,
        errno.EPROTO,
        errno.ENETDOWN,
        errno.ENOPROTOOPT,
        errno.EHOSTDOWN,
        errno.ENONET,
        errno.EHOSTUNREACH,
        errno.EOPNOTSUPP,
        errno.ENETUNREACH,
        errno.ETIMEDOUT,
    }
)
"""What befell the one client that was next: errors of its connection, which accept(2) hands on as its own."""


class Acceptor(Watched):
    """Takes clients while it is started."""

    __slots__ = ("_accepted", "_allowed", "_family", "_listener", "_poller", "_troubled", "started")

    def __init__(
        self,
        poller: Poller,
        listener: socket.socket,
        allowed: Callable[[], int],
        accepted: Callable[[Socket, str], None],
        troubled: Callable[[OSError], None],
    ) -> None:
        """Not started yet.

        Args:
            listener: non-blocking; stays open, whatever happens here.
            allowed: how many clients may be taken now, of those that wait.
            accepted: is given each client's socket, and its address without the port (empty for a unix socket).
            troubled: is told why no client can be accepted just now; the acceptor has stopped.
        """
        self._poller = poller
        self._listener = listener
        self._family = int(listener.family)
        self._allowed = allowed
        self._accepted = accepted
        self._troubled = troubled
        self.started = False

    def start(self) -> None:
        """Take clients from now on, unless there is trouble at once: no room to watch the socket."""
        if not self.started:
            try:
                self._poller.watch(self._listener.fileno(), self, LEVEL_READABLE)
            except OSError as error:
                self._troubled(error)
            else:
                self.started = True

    def stop(self) -> None:
        """Take no more; who waits goes on waiting."""
        if self.started:
            self.started = False
            self._poller.release(self._listener.fileno())

    def ready(self, events: int) -> None:
        """Somebody waits."""
        for _ in range(self._allowed()):
            if not self.started or not self.take():
                return

    def take(self) -> bool:
        """Take one client, if one waits; ``False`` if nobody does, or nobody can be taken just now."""
        try:
            descriptor, address = self._listener._accept()  # type: ignore[attr-defined]
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in _LEFT:
                return True
            self.stop()
            self._troubled(error)
            return False
        # As socket.accept() does it, but for the enumerations and the wrapper that it makes of each socket.
        client = Socket(self._family, socket.SOCK_STREAM, 0, descriptor)
        client.setblocking(False)
        self._accepted(client, address[0] if isinstance(address, tuple) else "")
        return True
