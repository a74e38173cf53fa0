"""What a transport does not offer and its socket does: to reset, to look ahead, to see what the peer has not taken yet.

Works on asyncio's transports and on uvloop's. None of these waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import select
import socket
import struct
import termios
from collections.abc import Callable, Iterator, Sequence

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

RECEIVE_SIZE = 64 * 1024
"""Bytes that are read at once."""


def reset(transport: asyncio.Transport) -> None:
    """End a connection by a RST, and throw away what was not sent yet.

    A transport's own ``abort`` ends it by a FIN unless there is unread input, and to the peer a FIN may look like the
    end of everything that it was to get.
    """
    with _socket_of(transport) as peer, contextlib.suppress(OSError):
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


def is_silent(transport: asyncio.Transport) -> bool:
    """Whether the peer has neither sent data nor closed since it was last read from."""
    told: socket.socket | None = transport.get_extra_info("socket")
    return told is not None and told.fileno() >= 0 and not ear(transport)(0)


Ear = Callable[[float], Sequence[object]]


def ear(transport: asyncio.Transport) -> Ear:
    """A function that hears, like :func:`is_silent`, but made once for a connection and then asked many times.

    Called with 0 it gives nothing while the peer is silent. That costs one system call and no object.
    """
    poll = select.poll()
    told: socket.socket | None = transport.get_extra_info("socket")
    if told is not None and told.fileno() >= 0:
        poll.register(told.fileno(), select.POLLIN | select.POLLRDHUP)
    return poll.poll


def receive(transport: asyncio.Transport) -> bytes:
    """What has come and was not read yet, or nothing."""
    with _socket_of(transport) as peer, contextlib.suppress(OSError):
        if peer is not None:
            return peer.recv(RECEIVE_SIZE, socket.MSG_DONTWAIT)
    return b""


def unsent(transport: asyncio.Transport) -> int:
    """Bytes that were written and the peer has not acknowledged: those in the transport, and those in the kernel."""
    waiting: int = transport.get_write_buffer_size()
    with _socket_of(transport) as peer, contextlib.suppress(OSError):
        if peer is not None:
            waiting += int.from_bytes(fcntl.ioctl(peer.fileno(), termios.TIOCOUTQ, bytes(4)), "little")
    return waiting


@contextlib.contextmanager
def _socket_of(transport: asyncio.Transport) -> Iterator[socket.socket | None]:
    """A socket object for the descriptor that the transport keeps; ``None`` once it has none any more."""
    told: socket.socket | None = transport.get_extra_info("socket")
    if told is None or told.fileno() < 0:
        yield None
        return
    peer = socket.socket(fileno=told.fileno())  # uvloop's own objects do not offer all that is needed
    try:
        yield peer
    finally:
        peer.detach()


class Outflow:
    """What waits for a peer that takes less than it is sent, looked at from time to time.

    The transport alone does not show it: the kernel may hold megabytes, and a slow peer takes minutes to make room.
    """

    __slots__ = ("_left", "_moved_at", "_patience", "_transport")

    def __init__(self, transport: asyncio.Transport, now: float, patience: float) -> None:
        """``patience`` is how many seconds the peer may take nothing; ``now`` is on the clock of :meth:`stuck`."""
        self._transport = transport
        self._patience = patience
        self._moved_at = now
        self._left = unsent(transport)

    def stuck(self, now: float) -> bool:
        """Whether the peer has taken nothing for too long."""
        left = unsent(self._transport)
        if left < self._left:
            self._left, self._moved_at = left, now
            return False
        return now - self._moved_at >= self._patience
