"""A server that gates stand at: each request gets the next of the prepared answers, the last one again and again."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Scrap = bytes | None
"""What is sent; ``None`` is nothing, for ever."""


def answer(status: int, body: bytes = b"", *fields: str) -> bytes:
    """A whole HTTP answer."""
    head = [f"HTTP/1.1 {status} Word", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    line: str
    fields: dict[str, str]
    body: bytes


@dataclass
class Desk:
    """What is answered, and what was asked."""

    answers: list[tuple[Scrap, ...]] = field(default_factory=lambda: [(answer(204),)])
    asked: list[Asked] = field(default_factory=list)
    left: int = 0
    """How many clients have closed their connection."""
    port: int = 0
    scheme: str = "http"

    def says(self, *answers: Scrap | tuple[Scrap, ...]) -> None:
        """Answer so from now on."""
        self.answers = [each if isinstance(each, tuple) else (each,) for each in answers]

    def url(self, path: str = "/gate") -> str:
        """A URL of this server."""
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            self.asked.append(await _request(reader))
            scraps = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            for scrap in scraps:
                if scrap is None:
                    await reader.read()
                    return
                writer.write(scrap)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self.left += 1
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Asked:
    line, *rows = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    fields = {name.lower(): value for name, _, value in (row.partition(": ") for row in rows)}
    return Asked(line, fields, await reader.readexactly(int(fields.get("content-length", 0))))


@asynccontextmanager
async def open_desk(context: ssl.SSLContext | None = None) -> AsyncIterator[Desk]:
    """A desk on a free port, with TLS if there is a context."""
    desk = Desk(scheme="https" if context else "http")
    server = await asyncio.start_server(desk.serve, "127.0.0.1", 0, ssl=context)
    desk.port = server.sockets[0].getsockname()[1]
    try:
        yield desk
    finally:
        server.close()
