"""An upstream that reads with h11, notes what it was sent, and answers well or as a script says.

Which client a request came from it knows by X-Real-IP, which the front door sets: every fuzzed client has a loopback
address of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from tests.fuzz.conversation import PLACEHOLDER, Conversation, Ending, Script
from tests.fuzz.readings import Message, RequestReader, read_reply
from tests.harness.upstream import abort

_REAL_IP = re.compile(rb"\r\nX-Real-IP: ([0-9.]+)\r\n", re.IGNORECASE).findall
_serial = itertools.count(1)


def new_token() -> bytes:
    """A token that no other answer has; one changed by mutation is none that was ever issued."""
    return b"T%015x" % (next(_serial) * 0x9E3779B97F4A7C15 & (2**60 - 1))


TOKEN = re.compile(rb"T[0-9a-f]{15}").findall


@dataclass(slots=True)
class Sighting:
    """One request that an upstream has begun to read, and what it did about it."""

    message: Message
    script: Script | None
    token: bytes
    complete: bool = False
    answered: bytes = b""
    """What it sent in all."""
    good: bool = False
    """Whether that was its ordinary answer."""
    ended: bool = False
    """Whether it closed in order behind that."""

    @property
    def request_id(self) -> bytes:
        """The id that the front door gave the request."""
        return b"".join(self.message.values(b"x-request-id"))

    @property
    def upgrade(self) -> bytes:
        """The protocols that were asked for."""
        return b", ".join(self.message.values(b"upgrade"))


@dataclass(slots=True)
class Trace:
    """What happened to one conversation."""

    conversation: Conversation
    sightings: list[Sighting] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    """What the client was sent."""
    reset: bool = False
    """Whether the client's connection ended by a RST."""
    faults: list[str] = field(default_factory=list)
    """What broke the rules on sight."""


class Upstreams:
    """What the listeners of one run share."""

    def __init__(self) -> None:
        self.traces: dict[bytes, Trace] = {}
        """The conversation under way from each client address."""
        self.strays: list[str] = []
        """Faults that nobody could be blamed for."""
        self.connections: set[UpstreamSide] = set()
        self._servers: list[asyncio.Server] = []

    async def start(self, count: int) -> list[str]:
        """Listen on so many ports; gives their addresses."""
        loop = asyncio.get_running_loop()
        self._servers = [
            await loop.create_server(lambda: UpstreamSide(self), "127.0.0.1", 0, backlog=512) for _ in range(count)
        ]
        return ["{}:{}".format(*server.sockets[0].getsockname()[:2]) for server in self._servers]

    async def stop(self) -> None:
        """Drop everything."""
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    def blame(self, raw: bytes, fault: str) -> None:
        """Hold a fault against the conversation whose bytes were read."""
        clients = _REAL_IP(raw)
        trace = self.traces.get(clients[-1]) if clients else None
        (trace.faults if trace else self.strays).append(f"{fault}: {raw!r}")

    def sighted(self, message: Message, raw: bytes) -> Sighting:
        """Note a request whose head has come, and choose what it is answered."""
        trace = self.traces.get(b"".join(message.values(b"x-real-ip")))
        if trace is None:
            self.strays.append(f"a request of no conversation: {raw!r}")
            return Sighting(message, None, new_token())
        request_id = b"".join(message.values(b"x-request-id"))
        ids = list(dict.fromkeys([*(s.request_id for s in trace.sightings), request_id]))
        index = ids.index(request_id)
        scripts = trace.conversation.scripts
        sighting = Sighting(message, scripts[index] if index < len(scripts) else None, new_token())
        trace.sightings.append(sighting)
        return sighting


class UpstreamSide(asyncio.Protocol):
    """One connection from the front door."""

    transport: asyncio.Transport

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._reader = RequestReader()
        self._raw = b""
        self._sighting: Sighting | None = None
        self._pieces: deque[bytes] = deque()
        self._answering = False
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._upstreams.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        self._upstreams.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        if self._sighting is not None and self._sighting.complete:
            if self._answering and self._sighting.good:
                self._upstreams.blame(self._raw + data, "bytes behind a request that is not answered yet")
            self._next()  # the script is played to its end only as long as nobody waits for something else
        self._raw += data
        self._reader.feed(data)
        if self._sighting is None and self._reader.message is not None:
            self._sighting = self._upstreams.sighted(self._reader.message, self._raw)
        if self._reader.error:
            self._upstreams.blame(self._raw, f"h11 cannot read what was forwarded ({self._reader.error})")
            self._over = True
            self.transport.abort()
        elif self._sighting is not None:
            self._go_on(self._sighting)

    def _go_on(self, sighting: Sighting) -> None:
        if self._reader.done and not sighting.complete:
            sighting.complete = True
            if self._reader.rest:
                self._upstreams.blame(self._raw, "more than one request was forwarded at once")
        early = sighting.script is not None and sighting.script.early
        if (early or sighting.complete) and not self._answering:
            self._answer(sighting)

    def _next(self) -> None:
        self._reader, self._raw, self._sighting = RequestReader(), b"", None
        self._pieces.clear()
        self._answering = False

    def _answer(self, sighting: Sighting) -> None:
        self._answering = True
        if sighting.script is None:
            sighting.good = True
            sighting.answered = good_answer(sighting.message.method, sighting.token)
            self.transport.write(sighting.answered)
            self._answering = False
            return
        pieces = with_token(sighting.script.pieces, sighting.token)
        self._pieces = deque(fair_pieces(pieces, sighting.message.method, sighting.upgrade))
        self._send_on(sighting)

    def _send_on(self, sighting: Sighting) -> None:
        """The next piece; the connection ends in the same turn as the last, so that it is never idle by mistake."""
        if self._over or sighting is not self._sighting or sighting.script is None:
            return
        if self._pieces:
            piece = self._pieces.popleft()
            sighting.answered += piece
            self.transport.write(piece)
        if self._pieces:
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._send_on, sighting)
            return
        self._answering = False
        reply = read_reply(sighting.answered, sighting.message.method, ended=False, upgrade=sighting.upgrade)
        self._over = reply.status == 101  # what comes now is of another protocol
        if sighting.script.ending is not Ending.STAY:
            self._over = True
            self._end(sighting, whole=reply.complete)

    def _end(self, sighting: Sighting, *, whole: bool) -> None:
        """Close, at once: an upstream that lets a moment pass after a good answer may meet the next request by it."""
        if sighting.script is not None and sighting.script.ending is Ending.RESET and not whole:
            abort(self.transport)
            return
        sighting.ended = True
        if self.transport.get_write_buffer_size():
            self.transport.write_eof()  # after what is still to be sent
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(fileno=os.dup(self.transport.get_extra_info("socket").fileno())) as own,
        ):
            own.shutdown(socket.SHUT_WR)  # fails if the front door has reset the connection meanwhile


def good_answer(method: bytes, token: bytes) -> bytes:
    """An answer to be proud of: the token, by Content-Length or in chunks."""
    body = b"" if method == b"HEAD" else token
    if token[-1:] in b"048c" and method != b"HEAD":
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n%b\r\n0\r\n\r\n" % body
    return b"HTTP/1.1 200 OK\r\nX-Token: %b\r\nContent-Length: 16\r\n\r\n%b" % (token, body)


def with_token(pieces: Sequence[bytes], token: bytes) -> list[bytes]:
    """The pieces, with the token where its place is held, even if a cut goes through that."""
    return _recut(b"".join(pieces).replace(PLACEHOLDER, token), [len(piece) for piece in pieces])


def fair_pieces(pieces: list[bytes], method: bytes, upgrade: bytes) -> list[bytes]:
    """The pieces, with all that comes after the end of a good answer in one piece with that end.

    What comes later may meet the next request on its way, and no receiver can tell that from an answer.
    """
    if len(pieces) < 2:
        return pieces
    whole = b"".join(pieces)
    reply = read_reply(whole, method, ended=False, upgrade=upgrade)
    if not reply.complete or not reply.rest:
        return pieces
    fair: list[bytes] = []
    position = 0
    for piece in pieces:
        if position + len(piece) >= len(reply.raw):
            return [*fair, whole[position:]]
        fair.append(piece)
        position += len(piece)
    return fair


def _recut(data: bytes, lengths: list[int]) -> list[bytes]:
    starts = itertools.accumulate(lengths, initial=0)
    return [data[start : start + length] for start, length in zip(starts, lengths, strict=False)]
