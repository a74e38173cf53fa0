"""A small HTTP server in the test's own loop, for health checks to ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Checked:
    """Answers with ``answer``, whatever is asked; with ``b""`` it closes, with ``None`` it says nothing."""

    address: str = ""
    answer: bytes | None = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    asked: list[bytes] = field(default_factory=list)
    """The heads that came."""

    def status(self, status: int) -> None:
        """Answer with another status from now on."""
        self.answer = f"HTTP/1.1 {status} Word\r\nContent-Length: 0\r\n\r\n".encode()


@asynccontextmanager
async def checked() -> AsyncIterator[Checked]:
    """A server on a free port."""
    told = Checked()
    silent = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            told.asked.append(await reader.readuntil(b"\r\n\r\n"))
            if told.answer is None:
                await silent.wait()
            else:
                writer.write(told.answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    told.address = f"{host}:{port}"
    try:
        yield told
    finally:
        silent.set()
        server.close()
