"""What is asked of the proxies: each load runs for some seconds, and says how much it got done."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Referer: http://shop.example.com/products/shoes?page=3",
    "DNT: 1",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-User: ?1",
    "Upgrade-Insecure-Requests: 1",
    "Priority: u=0, i",
    "Cache-Control: no-cache",
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=all",
)
"""With Host the fifteen fields of a browser's request."""

CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Done:
    """What a load got done, and in which time."""

    requests: int
    seconds: float


Load = Callable[[int, float, Path], Done]
"""Asks the proxy at a port for so many seconds; the folder is for files."""


def get(path: str, *, close: bool = False) -> Load:
    """A browser's GET, over and over; ``close`` takes a new connection for each."""

    def load(port: int, seconds: float, folder: Path) -> Done:
        headers = BROWSER + (("Connection: close",) if close else ())
        return _wrk(port, path, seconds, [part for field in headers for part in ("-H", field)])

    return load


def post(size: int) -> Load:
    """A POST of so many bytes."""

    def load(port: int, seconds: float, folder: Path) -> Done:
        script = folder / "post.lua"
        script.write_text(f'wrk.method = "POST"\nwrk.body = string.rep("x", {size})\n')
        return _wrk(port, "/", seconds, ["-s", str(script)])

    return load


def _wrk(port: int, path: str, seconds: float, options: list[str]) -> Done:
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", *options]
    printed = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
    found = re.search(r"(\d+) requests in ([\d.]+)(m?s|m)", printed.stdout)
    if found is None or "Non-2xx" in printed.stdout or "Socket errors" in printed.stdout:
        raise SystemExit(f"the load went wrong:\n{printed.stdout}{printed.stderr}")
    return Done(int(found[1]), float(found[2]) * {"ms": 0.001, "s": 1, "m": 60}[found[3]])


class _Echo(asyncio.Protocol):
    """A WebSocket client with one message under way at a time; its mask is zero, so the frame never changes."""

    HANDSHAKE = (
        b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    FRAME = b"\x82\xfe\x00\x80\x00\x00\x00\x00" + bytes(128)
    ANSWER = 4 + 128

    def __init__(self) -> None:
        self.count = 0
        self._buffer = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self.HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._buffer.startswith(b"HTTP/1.1 101"):
                raise SystemExit(f"no WebSocket: {self._buffer[:200]!r}")
            self._open, self._buffer = True, self._buffer[end + 4 :]
            self._transport.write(self.FRAME)
        elif len(self._buffer) >= self.ANSWER:
            self._buffer = self._buffer[self.ANSWER :]
            self.count += 1
            self._transport.write(self.FRAME)


def websockets(port: int, seconds: float, folder: Path) -> Done:
    """Messages of 128 bytes there and back."""
    return uvloop.run(_websockets(port, seconds))


async def _websockets(port: int, seconds: float) -> Done:
    loop = asyncio.get_running_loop()
    began = time.monotonic()
    clients = [(await loop.create_connection(_Echo, "127.0.0.1", port))[1] for _ in range(CONNECTIONS)]
    await asyncio.sleep(seconds)
    return Done(sum(client.count for client in clients), time.monotonic() - began)
