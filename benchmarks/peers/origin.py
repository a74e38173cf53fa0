"""The application behind every proxy: as little work as possible, so that it is never what is measured.

Run: python -m benchmarks.peers.origin PORT [PORT ...]
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import sys
from typing import cast

import uvloop

SMALL = b"hello from the application\n"
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_KEY = re.compile(rb"(?i)sec-websocket-key: *([^\r]+)\r\n").search
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)\r\n").search


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


class Application(asyncio.Protocol):
    """Answers requests of a known client: it does not look for trouble."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._buffer = b""
        self._body_left = 0
        self._answer = b""
        self._websocket = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._websocket:
            self._echo(data)
            return
        self._buffer += data
        while self._buffer and self._step():
            pass

    def _step(self) -> bool:
        if self._body_left:
            taken = min(self._body_left, len(self._buffer))
            self._buffer = self._buffer[taken:]
            self._body_left -= taken
            if not self._body_left:
                self._transport.write(self._answer)
            return True
        end = self._buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return False
        head, self._buffer = self._buffer[:end], self._buffer[end:]
        self._begin(head)
        return True

    def _begin(self, head: bytes) -> None:
        if key := _KEY(head):
            self._switch(key[1])
            return
        self._answer = ANSWERS.get(head.split(b" ", 2)[1], ORDINARY)
        length = _LENGTH(head)
        self._body_left = int(length[1]) if length else 0
        if not self._body_left:
            self._transport.write(self._answer)

    def _switch(self, key: bytes) -> None:
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_GUID, usedforsecurity=False).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._websocket = True

    def _echo(self, frame: bytes) -> None:
        """A client's frame of 128 bytes with a mask of zeros comes back without the mask."""
        self._transport.write(b"\x82\x7e\x00\x80" + frame[8:])


async def main(ports: list[int]) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    for port in ports:
        await loop.create_server(Application, "127.0.0.1", port, backlog=4096)
    await loop.create_future()


if __name__ == "__main__":
    uvloop.run(main([int(port) for port in sys.argv[1:]]))
