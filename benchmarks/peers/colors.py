"""The two applications behind every proxy that is switched: each answers with the name of its color.

Run: python -m benchmarks.peers.colors blue=PORT green=PORT
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop


class Application(asyncio.Protocol):
    """Answers GETs, one after the other, of a known client: it does not look for trouble."""

    def __init__(self, color: str) -> None:
        self._answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (
            len(color),
            color.encode(),
        )
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *heads, self._buffer = (self._buffer + data).split(b"\r\n\r\n")
        self._transport.write(self._answer * len(heads))


async def main(colors: dict[str, int]) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    for color, port in colors.items():
        await loop.create_server(lambda color=color: Application(color), "127.0.0.1", port, backlog=4096)
    await loop.create_future()


if __name__ == "__main__":
    uvloop.run(main({name: int(port) for name, port in (argument.split("=") for argument in sys.argv[1:])}))
