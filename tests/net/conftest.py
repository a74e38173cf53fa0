"""Streams over real sockets, and receivers that note what they are told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from proxy.net.poller import Poller
from proxy.net.stream import Receiver, Stream

PIECE = 40 * 1000

MANY = 20_000_000
"""Bytes that no kernel takes at once."""

Pair = Callable[[], tuple[socket.socket, socket.socket]]


class Notes(Receiver):
    """Notes everything, and may be told to answer an event with some action of its own."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.data = b""
        self.sizes: list[int] = []
        self.error: Exception | None = None
        self.keeps_open = True
        self.on: dict[str, Callable[[], object]] = {}
        self.stream: Stream

    def _note(self, event: str) -> None:
        self.told.append(event)
        if event in self.on:
            self.on[event]()

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream
        self._note("made")

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.sizes.append(len(data))
        self._note("data")

    def eof_received(self) -> bool:
        self._note("eof")
        return self.keeps_open

    def pause_writing(self) -> None:
        self._note("full")

    def resume_writing(self) -> None:
        self._note("room")

    def connection_lost(self, error: Exception | None) -> None:
        self.error = error
        self._note("lost")


class Bench:
    """A poller, and pairs of sockets of which one end is a stream's."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.poller = Poller(self.loop)
        self.faults: list[object] = []
        self.loop.set_exception_handler(lambda _, context: self.faults.append(context.get("exception")))
        self._stack = contextlib.ExitStack()
        self._streams: list[Stream] = []

    def stream(
        self, notes: Notes, pair: tuple[socket.socket, socket.socket] | None = None, *, piece: int = PIECE
    ) -> tuple[Stream, socket.socket]:
        """A stream, and the other end of its connection, which does not wait either."""
        ours, theirs = pair or tcp_pair()
        for end in ours, theirs:
            self._stack.enter_context(end)
            end.setblocking(False)
        stream = Stream(self.poller, ours, notes, piece)
        self.adopt(stream)
        return stream, theirs

    def adopt(self, stream: Stream) -> None:
        """See to it that the stream is closed in the end."""
        self._streams.append(stream)

    async def close(self) -> None:
        """Drop everything."""
        for stream in self._streams:
            stream.abort()
        await rounds()
        self._stack.close()
        self.poller.close()


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        far = socket.create_connection(listener.getsockname())
        near, _ = listener.accept()
    return near, far


def fail() -> None:
    """What a receiver does that has a fault."""
    raise ZeroDivisionError


def take(end: socket.socket) -> bytes:
    """All that the kernel has for this end, up to the end."""
    taken = b""
    with contextlib.suppress(BlockingIOError, ConnectionResetError):
        while piece := end.recv(1_000_000):
            taken += piece
    return taken


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so; the test's own time limit is the bound."""
    while not condition():  # noqa: ASYNC110 - what the kernel has raises no event here
        await asyncio.sleep(0)


async def rounds(count: int = 5) -> None:
    """Give the loop so many turns in which it also looks at its sockets."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """An empty one, of which nothing stays."""
    bench = Bench()
    yield bench
    await bench.close()
