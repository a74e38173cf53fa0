"""The application behind every proxy: as little work as possible, so that it is never what is measured.

Therefore it is an epoll loop of its own, which costs half of what an asyncio server does, and believes its clients.

Run: python -m benchmarks.peers.origin PORT [ADDRESSES], on so many addresses from 127.1.0.1 on, and on 127.0.0.1
"""

from __future__ import annotations

import base64
import gc
import hashlib
import re
import select
import socket
import sys

SMALL = b"hello from the application\n"
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
RECEIVE = 256 * 1024

_KEY = re.compile(rb"(?i)sec-websocket-key: *([^\r]+)\r\n").search
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)\r\n").search


def addresses(count: int) -> list[str]:
    """Loopback addresses, each of which the application listens on."""
    return ["127.0.0.1"] if count == 1 else [f"127.1.{n // 250}.{n % 250 + 1}" for n in range(count)]


def _answer(body: bytes) -> bytes:
    fields = b"Content-Type: text/plain\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\nContent-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body


def _chunked(body: bytes, size: int) -> bytes:
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


ANSWERS = {
    b"/10k": _answer(bytes(10 * 1024)),
    b"/1m": _answer(bytes(1024 * 1024)),
    b"/chunked": _chunked(bytes(64 * 1024), 8 * 1024),
}
ORDINARY = _answer(SMALL)


class Connection:
    """One connection of a proxy."""

    __slots__ = ("_answer", "_body_left", "_buffer", "_epoll", "_socket", "_unsent", "_websocket")

    MASKED = 8 + 128
    """A client's WebSocket message of 128 bytes, whose mask is zero."""

    def __init__(self, taken: socket.socket, epoll: select.epoll) -> None:
        self._socket = taken
        self._epoll = epoll
        self._buffer = b""
        self._body_left = 0
        self._answer = b""
        self._unsent = memoryview(b"")
        self._websocket = False
        taken.setblocking(False)
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        epoll.register(taken, select.EPOLLIN)

    def ready(self) -> bool:
        """Do what can be done; whether the connection still lives."""
        try:
            if self._unsent:
                self._write(self._unsent)
                return True
            data = self._socket.recv(RECEIVE)
            if data:
                self._received(data)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if not data:
            self._socket.close()
        return bool(data)

    def _received(self, data: bytes) -> None:
        if self._body_left:
            taken = min(self._body_left, len(data))
            self._body_left -= taken
            data = data[taken:]
            if not self._body_left:
                self._write(self._answer)
        self._buffer += data
        while self._buffer and not self._body_left:
            if not (self._echo() if self._websocket else self._request()):
                break

    def _request(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        self._buffer = b""
        if key := _KEY(head + end):
            self._switch(key[1])
        self._answer = ANSWERS.get(head.split(b" ", 2)[1], ORDINARY)
        length = _LENGTH(head + end)
        self._body_left = int(length[1]) if length else 0
        if not self._body_left and not self._websocket:
            self._write(self._answer)
        self._received(rest)
        return True

    def _switch(self, key: bytes) -> None:
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_GUID, usedforsecurity=False).digest())
        self._write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._websocket = True

    def _echo(self) -> bool:
        """A message comes back without its mask."""
        if len(self._buffer) < self.MASKED:
            return False
        self._write(b"\x82\x7e\x00\x80" + self._buffer[8 : self.MASKED])
        self._buffer = self._buffer[self.MASKED :]
        return True

    def _write(self, data: bytes | memoryview) -> None:
        had_more = bool(self._unsent)
        self._unsent = memoryview(data)[self._socket.send(data) :]
        if bool(self._unsent) != had_more:
            self._epoll.modify(self._socket, select.EPOLLIN if had_more else select.EPOLLOUT)


def main(port: int, count: int) -> None:
    """Serve until the process is ended."""
    listeners = {}
    epoll = select.epoll()
    for address in {"127.0.0.1", *addresses(count)}:
        listener = socket.create_server((address, port), backlog=4096)
        listener.setblocking(False)
        epoll.register(listener, select.EPOLLIN)
        listeners[listener.fileno()] = listener
    gc.disable()
    serve(epoll, listeners)


def serve(epoll: select.epoll, listeners: dict[int, socket.socket]) -> None:
    """Whatever is ready, one after the other."""
    living: dict[int, Connection] = {}
    while True:
        for descriptor, _ in epoll.poll():
            if connection := living.get(descriptor):
                if not connection.ready():
                    del living[descriptor]
            elif listener := listeners.get(descriptor):
                taken, _ = listener.accept()
                living[taken.fileno()] = Connection(taken, epoll)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
