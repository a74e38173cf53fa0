"""An upstream that writes down every byte it gets, and plays back whatever bytes it is told to.

By default it answers each whole request with 200 and a body that tells which one it was: ``3 POST /x\\n`` is the third
request that this recorder has seen, on whichever connection. :class:`Play` says what to do instead.
"""

from __future__ import annotations

import asyncio
import enum
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from tests.wire.strict import BrokenMessageError, Message, has_head, take_request

TURNS = 3
"""Turns of the event loop after which a byte that was sent to another socket of this process has been read there."""

_LONG = 2048

_CALM = 100
"""Turns without news after which nothing is on its way any more ..."""

_REST = 0.008
"""... if there are none either so many seconds later."""


class Then(enum.Enum):
    """What becomes of the connection after a play."""

    KEEP = enum.auto()
    """It is left open, and the next request on it gets the next play."""
    CLOSE = enum.auto()
    """A FIN, and everything is read that still comes."""
    RESET = enum.auto()
    """A RST."""
    TUNNEL = enum.auto()
    """No HTTP any more: what comes is recorded as ``tunnelled`` and sent back."""


@dataclass(frozen=True, slots=True)
class Play:
    """What to do about one request."""

    answer: bytes | None = None
    """Sent when the request is complete; ``None`` is the default answer, ``b""`` is silence."""
    then: Then = Then.KEEP
    on_head: bytes = b""
    """Sent when the request's head is complete, whether or not its body is."""
    on_head_then: Then = Then.KEEP
    bytewise: bool = False
    """Whether each byte is sent on its own."""


class Recording:
    """One connection from the front door, as the upstream saw it."""

    def __init__(self) -> None:
        self.received = bytearray()
        """Every byte."""
        self.requests: list[Message] = []
        """The whole requests among them."""
        self.broken = ""
        """Why the rest cannot be read as a strict request, if it cannot; then nothing more is answered here."""
        self.rest = b""
        """What is no whole request (yet)."""
        self.tunnelled = bytearray()
        """What came after a switch of protocols."""
        self.rest_before_answer = b""
        """What had come behind the last request when the last byte of its answer was sent."""
        self.ended = False
        """The front door has ended the connection, by a FIN or a RST."""
        self._transport: asyncio.Transport | None = None

    def send(self, data: bytes) -> None:
        """Send bytes now, asked or not."""
        assert self._transport is not None
        self._transport.write(data)


class Recorder:
    """Listens, records, answers. Plays are taken in the order in which requests (their heads) come in."""

    def __init__(
        self, *plays: Play, greeting: bytes = b"", default: Callable[[int, Message], bytes] | None = None
    ) -> None:
        """After the last play comes the default answer, for ever. ``greeting`` is sent on the first connection."""
        self.default = default or default_answer
        self.connections: list[Recording] = []
        """In the order in which they were made."""
        self.requests: list[Message] = []
        """Every whole request, on whichever connection, in the order in which they were complete."""
        self.news = 0
        """Grows with everything that happens here."""
        self._plays = list(plays)
        self._greeting = greeting
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.Transport] = set()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Recorder]:
        """Serve as long as the context lasts."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        try:
            yield self
        finally:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for transport in list(self._open):
                transport.abort()
            await asyncio.sleep(0)

    async def settle(self) -> None:
        """Return when nothing more is on its way here."""
        await calm(lambda: self.news)

    def forget(self, *plays: Play, greeting: bytes = b"") -> None:
        """Begin a new record, with new plays. Open connections live on, as new recordings of what comes from now."""
        self.connections = []
        self.requests = []
        self._plays = list(plays)
        self._greeting = greeting
        for transport in self._open:
            cast(_Connection, transport.get_protocol()).start_recording()

    @property
    def broken(self) -> list[str]:
        """Everything that was sent here and is no strict HTTP."""
        return [recording.broken for recording in self.connections if recording.broken]

    @property
    def received(self) -> bytes:
        """All bytes of all connections."""
        return b"".join(recording.received for recording in self.connections)

    def next_play(self) -> Play:
        """For the request whose head has just come in."""
        return self._plays.pop(0) if self._plays else Play()


class _Connection(asyncio.Protocol):
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._recording = Recording()
        self._play: Play | None = None
        self._tunnel = False
        self._task: asyncio.Task[None] | None = None

    def start_recording(self) -> None:
        self._recording = Recording()
        self._recording._transport = self._transport
        self._recorder.connections.append(self._recording)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._recorder._open.add(self._transport)
        self._recorder.news += 1
        self.start_recording()
        greeting, self._recorder._greeting = self._recorder._greeting, b""
        if greeting:
            self._transport.write(greeting)

    def data_received(self, data: bytes) -> None:
        self._recorder.news += 1
        self._recording.received += data
        if self._tunnel:
            self._recording.tunnelled += data
            self._transport.write(data)
            return
        self._recording.rest += data
        self._work()

    def _work(self) -> None:
        """Answer what is complete; in order, so nothing while an answer is still being played."""
        recording = self._recording
        while recording.rest and not recording.broken and self._task is None and not self._tunnel:
            if self._play is None and has_head(recording.rest):
                self._play = self._recorder.next_play()
                if self._play.on_head:
                    self._perform(self._play.on_head, self._play.on_head_then)
                    continue
            try:
                request = take_request(recording.rest)
            except BrokenMessageError as error:
                recording.broken = str(error)
                return
            if request is None:
                return
            assert self._play is not None
            recording.rest = recording.rest[len(request.raw) :]
            recording.requests.append(request)
            self._recorder.requests.append(request)
            play, self._play = self._play, None
            default = self._recorder.default(len(self._recorder.requests), request)
            self._perform(default if play.answer is None else play.answer, play.then, bytewise=play.bytewise)

    def _perform(self, data: bytes, then: Then, *, bytewise: bool = False) -> None:
        if not bytewise:
            self._recording.rest_before_answer = self._recording.rest
            self._transport.write(data)
            self._leave(then)
            return
        self._task = asyncio.get_running_loop().create_task(self._perform_bytewise(data, then))
        self._recorder._tasks.add(self._task)

    async def _perform_bytewise(self, data: bytes, then: Then) -> None:
        assert self._task is not None
        for piece in crumbs(data):
            if self._transport.is_closing():
                break
            self._recording.rest_before_answer = self._recording.rest
            self._transport.write(piece)
            self._recorder.news += 1
            await turns(TURNS)
        self._recorder._tasks.discard(self._task)
        self._task = None
        self._leave(then)
        self._work()
        if self._recording.ended and self._task is None:
            self._transport.close()

    def _leave(self, then: Then) -> None:
        if then is Then.RESET and not self._transport.is_closing():
            peer: socket.socket = self._transport.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        elif then is Then.CLOSE and not self._transport.is_closing():
            self._transport.write_eof()
        elif then is Then.TUNNEL:
            self._tunnel = True
            rest, self._recording.rest = self._recording.rest, b""
            self._recording.tunnelled += rest
            self._transport.write(rest)

    def eof_received(self) -> bool:
        self._recorder.news += 1
        self._recording.ended = True
        return self._task is not None  # what is being played is played to its end

    def connection_lost(self, exc: Exception | None) -> None:
        self._recorder.news += 1
        self._recorder._open.discard(self._transport)
        self._recording.ended = True


def default_answer(number: int, request: Message) -> bytes:
    """200, and a body that tells which request it answers; to HEAD its length alone."""
    body = b"%d %b %b\n" % (number, request.method, request.target)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head if request.method == b"HEAD" else head + body


def crumbs(data: bytes) -> Iterable[bytes]:
    """The single bytes of some data; of what is very long, the middle stays in larger pieces."""
    if len(data) <= _LONG:
        return (bytes([byte]) for byte in data)
    end = _LONG // 8
    middle = (data[at : min(at + _LONG, len(data) - end)] for at in range(end, len(data) - end, _LONG))
    return [*crumbs(data[:end]), *middle, *crumbs(data[-end:])]


async def turns(count: int) -> None:
    """Let the event loop turn so often."""
    for _ in range(count):
        await asyncio.sleep(0)


async def calm(news: Callable[[], int]) -> None:
    """Return when a counter has not grown for a while, counted in turns of the event loop and then in time.

    A loop that only turns may keep the kernel from delivering what was sent: on a busy machine that needs the core too.
    """
    before = -1
    while before != (before := await _quiet(news)):  # noqa: ASYNC110 - that nothing happens raises no event
        await asyncio.sleep(_REST)


async def _quiet(news: Callable[[], int]) -> int:
    quiet, before = 0, news()
    while quiet < _CALM:
        await asyncio.sleep(0)
        now = news()
        quiet = quiet + 1 if now == before else 0
        before = now
    return before
