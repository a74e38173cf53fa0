"""The two applications behind every proxy that is switched: each answers with the name of its color.

Run: python -m benchmarks.peers.colors BLUE_PORT GREEN_PORT [SERVERS]; each color has so many loopback addresses.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
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


def addresses(count: int) -> list[str]:
    """Loopback addresses, as if each were another server; the first is 127.0.0.1."""
    return [f"127.0.{n // 250}.{1 + n % 250}" for n in range(count)]


async def main(blue: int, green: int, servers: int = 1) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    for color, port in (("blue", blue), ("green", green)):
        await loop.create_server(partial(Application, color), addresses(servers), port, backlog=1024)
    await loop.create_future()


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:])))
