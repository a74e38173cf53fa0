"""One connection to an upstream, on loan to one exchange at a time."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol, cast

WRITE_HIGH = 64 * 1024
WRITE_LOW = 16 * 1024
"""Bytes waiting to be sent above which the other side is paused, and below which it goes on."""


class Borrower(Protocol):
    """Who uses a connection: it is told everything that happens to it."""

    def upstream_data(self, data: bytes) -> None:
        """Bytes came from the upstream."""

    def upstream_eof(self) -> None:
        """The upstream will send no more."""

    def upstream_lost(self, error: Exception | None) -> None:
        """The connection is gone; ``error`` is ``None`` when it was closed in order."""

    def upstream_full(self) -> None:
        """More is waiting to be sent than should be: hold back."""

    def upstream_writable(self) -> None:
        """What was waiting has been sent: go on."""


class _Unmade(asyncio.Transport):
    """Stands where the transport of a connection will be that is not made yet: there is nothing to drop."""

    def abort(self) -> None:
        pass


_UNMADE = _Unmade()


class UpstreamConnection(asyncio.Protocol):
    """The transport to one upstream. While nobody borrows it, anything that happens to it makes it useless."""

    __slots__ = ("borrower", "idle_since", "lost", "transport", "uses")

    def __init__(self) -> None:
        self.transport: asyncio.Transport = _UNMADE
        self.borrower: Borrower | None = None
        self.idle_since = 0.0
        self.lost = False
        self.uses = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH, low=WRITE_LOW)

    def data_received(self, data: bytes) -> None:
        if self.borrower is not None:
            self.borrower.upstream_data(data)
        else:  # an answer nobody asked for must never meet the next request (response queue poisoning)
            self.discard()

    def eof_received(self) -> bool:
        if self.borrower is None:
            self.discard()
            return False
        self.borrower.upstream_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        borrower, self.borrower = self.borrower, None
        if borrower is not None:
            borrower.upstream_lost(exc)

    def pause_writing(self) -> None:
        if self.borrower is not None:
            self.borrower.upstream_full()

    def resume_writing(self) -> None:
        if self.borrower is not None:
            self.borrower.upstream_writable()

    def discard(self) -> None:
        """Drop the connection at once, with whatever is still in it. Its borrower hears nothing more."""
        self.lost = True
        self.borrower = None
        self.transport.abort()

    def silent(self) -> bool:
        """Whether the socket has neither data nor an end of stream waiting: one system call, for what must not be sent twice."""
        peer = cast(socket.socket, self.transport.get_extra_info("socket"))
        try:
            return _peek(peer.fileno()) is None
        except OSError:
            return False


def _peek(fd: int) -> bytes | None:
    """What a socket would give right now; ``None`` when that is nothing yet."""
    duplicate = socket.socket(fileno=fd)
    try:
        return duplicate.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    finally:
        duplicate.detach()
