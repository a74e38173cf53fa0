"""One TCP connection as it really is: what came, how it ended, and when that was noticed. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio
import enum
import socket
import struct
import time
from typing import cast


class Failure(enum.StrEnum):
    """The ways in which a call can fail. The last two are seen by whoever knows what the answer should have been."""

    REFUSED = "refused"
    """Nobody listens."""
    RESET = "reset"
    """A RST: somebody threw the connection away, and with it perhaps an answer."""
    EOF_BEFORE_ANSWER = "eof_before_answer"
    """The first request of a connection got a FIN and not one byte."""
    CLOSED_IDLE = "closed_idle"
    """A reused connection was closed by a FIN without one byte of an answer (RFC 9112 section 9.3.1). The server may do
    that, and the client may repeat what is idempotent; so this is told apart from what nobody may do."""
    TRUNCATED = "truncated"
    """A FIN in the middle of an answer."""
    BAD_FRAMING = "bad_framing"
    """Bytes that are no HTTP, or that nobody asked for."""
    TIMED_OUT = "timed_out"
    LOCAL = "local"
    """This machine could not even try: no free port, no free descriptor. Speaks against the test, not the server."""
    STATUS = "status"
    """A whole answer with a status that was not expected."""
    CHANGED = "changed"
    """A whole answer with the wrong content, or the answer to another request."""


class CallError(Exception):
    """A call that got no answer.

    Attributes:
        failure: the class it belongs to.
        detail: in words, what was seen.
    """

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(f"{failure.value}: {detail}")
        self.failure = failure
        self.detail = detail


class Wire(asyncio.Protocol):
    """Collects what comes, and remembers how it ended."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.total = 0
        self.last_byte_at = 0.0
        self.ended = False
        """The other side sent a FIN."""
        self.lost = False
        self.error: Exception | None = None
        self._transport: asyncio.Transport | None = None
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    @classmethod
    async def open(cls, host: str, port: int) -> Wire:
        """Connect.

        Raises:
            CallError: refused, reset, or local.
        """
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(sock, (host, port))
        except OSError as error:
            sock.close()
            raise _connect_failed(error) from error
        except BaseException:
            sock.close()
            raise
        _, wire = await loop.create_connection(cls, sock=sock)
        wire._socket = sock
        return wire

    _socket: socket.socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of the protocol."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Part of the protocol."""
        self.last_byte_at = time.monotonic()
        self.total += len(data)
        self.received += data
        self._news.set()

    def eof_received(self) -> bool:
        """Part of the protocol; our side stays open, it may have something to say still."""
        self.ended = True
        self._news.set()
        self._writable.set()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of the protocol."""
        # EPIPE is what the kernel says when the RST came after a FIN: the FIN was first, and it counts.
        if isinstance(exc, BrokenPipeError) or exc is None:
            self.ended = True
        else:
            self.error = exc
        self.lost = True
        self._news.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """Part of the protocol."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Part of the protocol."""
        self._writable.set()

    @property
    def over(self) -> bool:
        """Whether no more bytes will come."""
        return self.ended or self.lost

    @property
    def unread(self) -> bytes:
        """What came and was not read yet, by us or by the event loop: the kernel is asked as well."""
        if not self.over:
            try:
                ahead = self._socket.recv(4096, socket.MSG_PEEK)
                self.ended = not ahead
                return bytes(self.received) + ahead
            except BlockingIOError:
                pass
            except OSError as error:
                self.error, self.lost = error, True  # Told once by the kernel, so it has to be kept.
        return bytes(self.received)

    @property
    def quiet(self) -> bool:
        """Whether the connection is open and nothing came that was not read."""
        return not self.unread and not self.over

    async def write(self, data: bytes) -> None:
        """Send; returns when there is room for more, or no point in it. How it ended is told by reading."""
        if self.lost:
            return
        assert self._transport is not None
        self._transport.write(data)
        await self._writable.wait()

    async def more(self) -> bytes:
        """The bytes that came since the last call, at least one; empty once the other side has sent its FIN.

        Raises:
            CallError: reset.
        """
        while not self.received:
            if self.error is not None and not self.ended:
                raise CallError(Failure.RESET, f"{self.error!r} after {self.total} bytes on this connection")
            if self.over:
                return b""
            self._news.clear()
            await self._news.wait()
        data = bytes(self.received)
        self.received.clear()
        return data

    def finish(self) -> None:
        """Send a FIN and go on reading."""
        assert self._transport is not None
        if not self.lost:
            self._transport.write_eof()

    def close(self) -> None:
        """Close both ways."""
        assert self._transport is not None
        self._transport.close()

    def abort(self) -> None:
        """End it with a RST."""
        assert self._transport is not None
        if not self.lost:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()


def _connect_failed(error: OSError) -> CallError:
    if isinstance(error, ConnectionRefusedError):
        return CallError(Failure.REFUSED, "nobody listens")
    if isinstance(error, ConnectionResetError):
        return CallError(Failure.RESET, "while connecting")
    return CallError(Failure.LOCAL, repr(error))
