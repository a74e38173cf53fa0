"""One question to one upstream over a connection of its own, beside the traffic: for health checks and versions."""

from __future__ import annotations

import asyncio
from typing import Final

from proxy.http1.chunked import ChunkedDecoder
from proxy.http1.errors import ResponseError
from proxy.http1.framing import CHUNKED, UNTIL_CLOSE
from proxy.http1.response import MAX_RESPONSE_HEAD, ResponseHead, read_response
from proxy.upstream.address import split_address

_PIECE: Final = 4096


async def ask(address: str, path: str, host: str, *, most: int = 0) -> tuple[ResponseHead, bytes]:
    """GET ``path`` of ``host:port``: the head of the final answer, and up to ``most`` bytes of its body.

    There is no time limit. Raises ``OSError``, ``UnicodeError`` (a name that DNS cannot have) and ``EOFError`` where
    nothing can be asked or nothing comes, and ``asyncio.LimitOverrunError`` and :class:`ResponseError` for what is no
    answer.
    """
    name, port = split_address(address)
    reader, writer = await asyncio.open_connection(name, port, limit=MAX_RESPONSE_HEAD)
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bluegreen\r\nConnection: close\r\n\r\n"
        writer.write(request.encode("latin-1"))
        head = await reader.readuntil(b"\r\n\r\n")
        while (answer := read_response(head, method=b"GET")).status < 200:
            head = await reader.readuntil(b"\r\n\r\n")
        return answer, await _body(reader, answer.length, most)
    finally:
        writer.transport.abort()  # what else it sends is of no interest


async def _body(reader: asyncio.StreamReader, length: int, most: int) -> bytes:
    """The beginning of a body."""
    decoder = ChunkedDecoder(ResponseError) if length == CHUNKED else None
    wanted = most if length in (CHUNKED, UNTIL_CLOSE) else min(length, most)
    found = b""
    while len(found) < wanted and (decoder is None or not decoder.done):
        piece = await reader.read(_PIECE)
        if not piece:
            if length == UNTIL_CLOSE:
                break
            raise asyncio.IncompleteReadError(found, wanted)
        found += b"".join(decoder.feed(piece)) if decoder is not None else piece
    return found[:wanted]
