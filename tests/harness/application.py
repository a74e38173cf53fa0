"""A server as operators run it: ``python -I -S application.py FOLDER PORT VERSION``, one version at one port.

It is started, stopped and replaced by ``updater.py``, like the servers of a pool in which a new version is rolled out.
Its answers look like those of ``upstream.py``, so that the same clients can judge them. It needs nothing but the
standard library, so that it is up in an instant; every version behaves as ``moods.json`` in the folder says.

What it does is written to ``PORT.log`` at once, with the time by the monotonic clock that all processes share, because
it will be killed: ``start``, and ``begin`` and ``end`` of every request that is no health check.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

LINE_OF_THE_STREAM = b"0123456789abcdef" * 16 + b"\n"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass
class Mood:
    """How a version behaves."""

    healthy: bool = True
    fail_every: int = 0
    """Every so many answers of ``/`` are a 500; 0: none."""
    dies_after: int = 0
    """It is gone after so many answers of ``/``; 0: it stays."""


@dataclass
class Request:
    """One request, read whole."""

    method: str
    path: str
    query: dict[str, list[str]]
    fields: dict[str, str]
    body: bytes = b""

    def number(self, name: str, default: int) -> int:
        """A number of the query."""
        return int(self.query.get(name, [str(default)])[0])


class Application:
    """One server of one version."""

    def __init__(self, folder: Path, port: int, version: str) -> None:
        """Nothing is listened on yet."""
        self._port = port
        self._version = version
        self._color = (folder / f"{port}.color").read_text()
        self._journal = os.open(folder / f"{port}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        moods = json.loads((folder / "moods.json").read_text())
        self._mood = Mood(**moods.get(version, {}))
        self._answered = self._begun = 0

    def note(self, word: str, *more: str) -> None:
        """Write down what happens, and when."""
        os.write(self._journal, " ".join((word, self._version, f"{time.monotonic():.6f}", *more)).encode() + b"\n")

    async def serve(self) -> None:
        """Listen, and serve until killed."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", self._port, backlog=1024)
        self.note("start", str(os.getpid()))
        await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                if request.path == "/healthz":
                    await self._answer(writer, request, b"", 200 if self._mood.healthy else 503)
                    continue
                self._begun += 1
                ident = request.fields.get("x-id", f"{os.getpid()}-{self._begun}")
                self.note("begin", request.method, ident)
                try:
                    goes_on = await self._treat(request, reader, writer)
                finally:
                    self.note("end", request.method, ident)
                if not goes_on or request.fields.get("connection", "").lower() == "close":
                    return
        except (OSError, asyncio.IncompleteReadError):
            pass  # Whoever asked has left.
        finally:
            writer.close()

    async def _treat(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        match request.path:
            case "/echo":
                digest = hashlib.sha256(request.body).hexdigest()
                told = f"X-Length: {len(request.body)}\r\nX-Sha256: {digest}\r\n"
                await self._answer(writer, request, request.body, more=told)
            case "/slow":
                await asyncio.sleep(request.number("ms", 100) / 1000)
                await self._root(request, writer)
            case "/stream":
                await self._stream(request, writer)
            case "/ws":
                await self._websocket(request, reader, writer)
                return False
            case _:
                await self._root(request, writer)
        return True

    async def _root(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self._answered += 1
        if self._mood.dies_after and self._answered > self._mood.dies_after:
            os._exit(1)
        if self._mood.fail_every and self._answered % self._mood.fail_every == 0:
            await self._answer(writer, request, b"not today\n", 500)
        else:
            await self._answer(writer, request, f"{self._color} {self._port} {self._version}\n".encode())

    async def _stream(self, request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(self._head(request, "200 OK", "Transfer-Encoding: chunked\r\n"))
        checksum = hashlib.sha256()
        for _ in range(request.number("chunks", 10)):
            checksum.update(LINE_OF_THE_STREAM)
            writer.write(b"%x\r\n%s\r\n" % (len(LINE_OF_THE_STREAM), LINE_OF_THE_STREAM))
            await asyncio.sleep(request.number("ms", 10) / 1000)
        writer.write(b"40\r\n%s\r\n0\r\n\r\n" % checksum.hexdigest().encode())
        await writer.drain()

    async def _websocket(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accept = base64.b64encode(hashlib.sha1(request.fields["sec-websocket-key"].encode() + GUID).digest()).decode()
        upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
        writer.write(self._head(request, "101 Switching Protocols", upgrade) + _frame(TEXT, self._color.encode()))
        opcode = TEXT
        while opcode != CLOSE:
            opcode, payload = await _read_frame(reader)
            if opcode != PONG:
                writer.write(_frame(PONG if opcode == PING else opcode, payload))
                await writer.drain()

    async def _answer(
        self, writer: asyncio.StreamWriter, request: Request, body: bytes, status: int = 200, more: str = ""
    ) -> None:
        writer.write(self._head(request, f"{status} -", f"Content-Length: {len(body)}\r\n{more}") + body)
        await writer.drain()

    def _head(self, request: Request, status: str, more: str) -> bytes:
        signed = f"X-Color: {self._color}\r\nX-Name: {self._port}\r\nX-Version: {self._version}\r\n"
        if "x-id" in request.fields:
            signed += f"X-Id: {request.fields['x-id']}\r\n"
        return f"HTTP/1.1 {status}\r\n{signed}{more}\r\n".encode()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request; ``None`` if there is none."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = lines[0].split(" ")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    place = urlsplit(target)
    request = Request(method, place.path, parse_qs(place.query), fields)
    if fields.get("transfer-encoding"):
        while size := int(await reader.readuntil(b"\r\n"), 16):
            request.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    else:
        request.body = await reader.readexactly(int(fields.get("content-length", "0")))
    return request


async def _read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(size)
    return first & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def _frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    length = bytes([size]) if size < 126 else bytes([126]) + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + payload


def end_with(folder: Path) -> None:
    """End when whoever started all of this is gone: nobody then holds the other end of the pipe ``alive``.

    A server that a hook has started is nobody's child any more, so nobody else would end it.
    """
    pipe = os.open(folder / "alive", os.O_RDONLY | os.O_NONBLOCK)

    def look() -> None:
        try:
            if not os.read(pipe, 1):
                os._exit(0)
        except BlockingIOError:
            pass

    look()
    asyncio.get_running_loop().add_reader(pipe, look)


async def main() -> None:
    """Serve as the arguments say."""
    folder, port, version = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    end_with(folder)
    await Application(folder, port, version).serve()


if __name__ == "__main__":
    asyncio.run(main())
