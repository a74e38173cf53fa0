"""Upstreams that misbehave on purpose, and a relay that damages what passes through it.

A :class:`FaultServer` plays a script: its first connection gets the first behaviour, the second the second, and the
last one is played for ever after. A :class:`Relay` stands before a good upstream.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.harness.client import Address
from tests.harness.upstream import abort

GOOD_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
GOOD_BODY = b"fine\n"


@dataclass(slots=True)
class Peer:
    """One accepted connection, as a behaviour sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heads: list[bytes]
    """Every request head that reached the server, of all connections, in order."""

    async def head(self) -> bytes:
        """Read one request head."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        return head

    async def send(self, *pieces: bytes, every: float = 0.0) -> None:
        """Send pieces, so many seconds apart."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(every)

    def reset(self) -> None:
        """End the connection with a RST."""
        abort(self.writer.transport)


Behaviour = Callable[[Peer], Awaitable[None]]
"""What a connection is treated to; when it returns, the connection is closed."""


async def answer(peer: Peer) -> None:
    """Good answers to any number of bodiless requests."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            await peer.head()
            await peer.send(GOOD_HEAD + GOOD_BODY)


async def hang(peer: Peer) -> None:
    """Take the connection and never say a word."""
    await peer.reader.read()
    await asyncio.Event().wait()


async def hang_after_request(peer: Peer) -> None:
    """Read the request and never answer it."""
    await peer.head()
    await asyncio.Event().wait()


async def close_at_once(peer: Peer) -> None:
    """FIN before anything was read."""


async def reset_at_once(peer: Peer) -> None:
    """RST before anything was read."""
    peer.reset()


async def close_before_head(peer: Peer) -> None:
    """FIN instead of an answer."""
    await peer.head()


async def reset_before_head(peer: Peer) -> None:
    """RST instead of an answer."""
    await peer.head()
    peer.reset()


async def reset_in_head(peer: Peer) -> None:
    """RST in the middle of the answer's head."""
    await peer.head()
    await peer.send(GOOD_HEAD[:20], every=0.02)
    peer.reset()


async def reset_in_body(peer: Peer) -> None:
    """RST in the middle of the answer's body."""
    await peer.head()
    await peer.send(GOOD_HEAD + GOOD_BODY[:2], every=0.02)
    peer.reset()


async def reset_after_answer(peer: Peer) -> None:
    """A whole answer that announces nothing, then a RST."""
    await peer.head()
    await peer.send(GOOD_HEAD + GOOD_BODY, every=0.02)
    peer.reset()


async def truncate(peer: Peer) -> None:
    """FIN in the middle of a body of known length."""
    await peer.head()
    await peer.send(GOOD_HEAD + GOOD_BODY[:2])


async def truncate_chunks(peer: Peer) -> None:
    """FIN before the last chunk."""
    await peer.head()
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfine\n\r\n")


async def garbage(peer: Peer) -> None:
    """Bytes that are no HTTP."""
    await peer.head()
    await peer.send(bytes(range(256)) * 4)


async def surplus(peer: Peer) -> None:
    """A good answer and a second one that nobody asked for."""
    await peer.head()
    await peer.send((GOOD_HEAD + GOOD_BODY) * 2)
    await peer.reader.read()


async def early_answer(peer: Peer) -> None:
    """A final answer before the body was read; then the rest is read, so that the answer is not destroyed by a RST."""
    await peer.head()
    await peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    peer.writer.write_eof()
    await peer.reader.read()


async def close_when_reused(peer: Peer) -> None:
    """One good answer; the second request of the connection gets a FIN: the race of every kept connection."""
    await peer.head()
    await peer.send(GOOD_HEAD + GOOD_BODY)
    await peer.head()


async def reset_when_reused(peer: Peer) -> None:
    """One good answer; the second request of the connection gets a RST."""
    await peer.head()
    await peer.send(GOOD_HEAD + GOOD_BODY)
    await peer.head()
    peer.reset()


def slow_head(every: float) -> Behaviour:
    """A good answer, one byte of its head every so many seconds."""

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.send(*(bytes([byte]) for byte in GOOD_HEAD), every=every)
        await peer.send(GOOD_BODY)

    return behave


def raw(data: bytes) -> Behaviour:
    """These bytes as the answer to one request, then wait for the other side to close."""

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.send(data)
        await peer.reader.read()

    return behave


def cut_off(data: bytes, *, reset: bool) -> Behaviour:
    """These bytes as the answer to one request, then a FIN, or a RST."""

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.send(data, every=0.02)
        if reset:
            peer.reset()

    return behave


async def endless_head(peer: Peer) -> None:
    """Fields for as long as anybody reads them."""
    await peer.head()
    await peer.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await peer.send(b"A: " + bytes(1000).replace(b"\0", b"a") + b"\r\n")


async def greet(peer: Peer) -> None:
    """Speaks before it is asked, as servers of other protocols do, and then answers like a good one."""
    await peer.send(GOOD_HEAD + GOOD_BODY)
    await answer(peer)


class _Server:
    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> Address:
        """Where it listens."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[None]:
        """Serve as long as the context lasts."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", port)
        try:
            yield
        finally:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._treat(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # The other side left first, or the test is over.
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _treat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class FaultServer(_Server):
    """A server that treats each connection to the next behaviour of its script."""

    def __init__(self, *script: Behaviour) -> None:
        """The script is at least one behaviour; the last one is repeated."""
        super().__init__()
        self.heads: list[bytes] = []
        """Every request head it was sent."""
        self.connections = 0
        self._peers: list[Peer] = []
        self._script = itertools.chain(script, itertools.repeat(script[-1]))

    @property
    def open(self) -> int:
        """Connections that neither side has ended, as far as their bytes were read."""
        return sum(not (peer.writer.is_closing() or peer.reader.at_eof()) for peer in self._peers)

    async def _treat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._peers.append(Peer(reader, writer, self.heads))
        await next(self._script)(self._peers[-1])


@dataclass(frozen=True, slots=True)
class Damage:
    """What a relay does to the bytes of one connection. Offsets count the bytes of the answers; ``None`` is never."""

    delay: float = 0.0
    """Seconds before each piece of an answer is handed on."""
    flip_at: int | None = None
    """Change this byte."""
    cut_at: int | None = None
    """Send a FIN before this byte."""
    reset_at: int | None = None
    """Send a RST before this byte."""
    repeat: bool = False
    """Send what the client says to a second connection as well, as a client that retries blindly would."""


@dataclass(slots=True)
class _Passing:
    damage: Damage
    passed: int = field(default=0)

    def apply(self, data: bytes) -> tuple[bytes, bool]:
        """The piece as it is handed on, and whether the connection ends behind it."""
        start, end = self.passed, self.passed + len(data)
        self.passed = end
        flip = self.damage.flip_at
        if flip is not None and start <= flip < end:
            data = data[: flip - start] + bytes([data[flip - start] ^ 1]) + data[flip - start + 1 :]
        stops = [at for at in (self.damage.cut_at, self.damage.reset_at) if at is not None and at < end]
        return (data[: max(min(stops) - start, 0)], True) if stops else (data, False)


class Relay(_Server):
    """Passes bytes on to an upstream. Connections are damaged in turn, as a script says; the last entry is repeated."""

    def __init__(self, target: Address, damages: Sequence[Damage] = (Damage(),)) -> None:
        """Relay to ``target``."""
        super().__init__()
        self._target = target
        self._damages = itertools.chain(damages, itertools.repeat(damages[-1]))

    async def _treat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        damage = next(self._damages)
        down_reader, down_writer = await asyncio.open_connection(*self._target)
        targets = [down_writer]
        if damage.repeat:
            _, second = await asyncio.open_connection(*self._target)
            targets.append(second)
        sending = asyncio.create_task(_pump(reader, targets))
        try:
            await self._answer(down_reader, writer, damage)
        finally:
            sending.cancel()
            for target in targets:
                target.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, damage: Damage) -> None:
        passing = _Passing(damage)
        while data := await reader.read(65536):
            await asyncio.sleep(damage.delay)
            data, over = passing.apply(data)
            writer.write(data)
            await writer.drain()
            if over:
                await asyncio.sleep(0.02)  # So that what was handed on is on its way before a RST overtakes it.
                if damage.reset_at is not None:
                    abort(writer.transport)
                return


async def _pump(reader: asyncio.StreamReader, writers: list[asyncio.StreamWriter]) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            for writer in writers:
                writer.write(data)
                await writer.drain()
        for writer in writers:
            writer.write_eof()
