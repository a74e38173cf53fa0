"""A strict HTTP/1.1 client: one connection, one request at a time, nothing repeated, every way of failing told apart.

Ordinary clients repeat a request silently when a reused connection turns out to be closed, which is just what a test of
a proxy must not overlook.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import h11

from tests.harness.wire import CallError, Failure, Wire

__all__ = ["Address", "Answer", "CallError", "Connection", "Failure", "Request", "ask_once"]

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. ``pieces`` are sent one by one: with ``chunked`` each is a chunk, otherwise they are one body."""

    method: str = "GET"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    pieces: tuple[bytes, ...] = ()
    chunked: bool = False
    every: float = 0.0
    """Seconds between two pieces."""
    close: bool = False
    """Ask the server to close the connection after its answer."""

    def head(self, address: Address) -> h11.Request:
        """The request line and all fields; ``Host`` is the address unless given."""
        fields = list(self.headers)
        if not any(name.lower() == "host" for name, _ in fields):
            fields.insert(0, ("Host", f"{address[0]}:{address[1]}"))
        if self.chunked:
            fields.append(("Transfer-Encoding", "chunked"))
        elif self.pieces or self.method in {"POST", "PUT", "PATCH"}:
            fields.append(("Content-Length", str(sum(map(len, self.pieces)))))
        if self.close:
            fields.append(("Connection", "close"))
        return h11.Request(method=self.method, target=self.target, headers=fields)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    interim: tuple[int, ...]
    """The 1xx before it."""
    began_at: float
    """When its head was read, by the monotonic clock."""

    def header(self, name: str) -> str | None:
        """The first field of that name."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def closes(self) -> bool:
        """Whether the server announced that it closes the connection."""
        return "close" in (self.header("connection") or "").lower()


class Connection:
    """One connection to a server."""

    def __init__(self, wire: Wire, address: Address) -> None:
        self._wire = wire
        self._address = address
        self._http = h11.Connection(h11.CLIENT)
        self._bytes_before = 0
        self.asked = 0
        """How many requests were begun on it."""
        self.sent_at = 0.0
        """When the first byte of the last request was sent, by the monotonic clock."""

    @classmethod
    async def open(cls, address: Address, *, within: float = 10.0) -> Self:
        """Connect.

        Raises:
            CallError: refused, reset, timed out, or local.
        """
        try:
            async with asyncio.timeout(within):
                return cls(await Wire.open(*address), address)
        except TimeoutError:
            raise CallError(Failure.TIMED_OUT, f"no connection within {within:g} s") from None

    @property
    def usable(self) -> bool:
        """Whether one more request may be sent: open, in step, and nothing lies there unread."""
        idle = self._http.our_state is h11.IDLE or (
            self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        )
        return idle and not self.unasked and self._wire.quiet

    @property
    def unasked(self) -> bytes:
        """Bytes that came after the last answer although nothing was asked."""
        return self._http.trailing_data[0] + self._wire.unread

    async def ask(self, request: Request, *, within: float = 30.0) -> Answer:
        """Send a request and read the whole answer.

        Raises:
            CallError: anything else than one whole, well-framed answer.
        """
        try:
            async with asyncio.timeout(within):
                await self.send(request)
                return await self.receive()
        except TimeoutError:
            raise CallError(Failure.TIMED_OUT, f"no whole answer within {within:g} s") from None

    async def send(self, request: Request) -> None:
        """Send a request; stops early when the server has closed, the reason is in what it sent."""
        if self.unasked:
            raise CallError(Failure.BAD_FRAMING, f"bytes nobody asked for: {self.unasked[:80]!r}")
        if self.asked:
            self._http.start_next_cycle()
        self.asked += 1
        self._bytes_before = self._wire.total
        self.sent_at = time.monotonic()
        await self._wire.write(self._http.send(request.head(self._address)) or b"")
        for piece in request.pieces:
            if self._wire.over:
                return
            await self._wire.write(self._http.send(h11.Data(data=piece)) or b"")
            await asyncio.sleep(request.every)
        await self._wire.write(self._http.send(h11.EndOfMessage()) or b"")

    async def receive(self) -> Answer:
        """Read the whole answer to what was sent."""
        head: h11.Response | h11.InformationalResponse | None = None
        interim: list[int] = []
        body = bytearray()
        began_at = 0.0
        while not isinstance(event := await self._event(), h11.EndOfMessage | h11.ConnectionClosed):
            if isinstance(event, h11.InformationalResponse) and event.status_code != 101:
                interim.append(event.status_code)
            elif isinstance(event, h11.InformationalResponse | h11.Response):
                head, began_at = event, time.monotonic()
                if event.status_code == 101:
                    break
            elif isinstance(event, h11.Data):
                body += event.data
        if head is None:
            raise CallError(Failure.BAD_FRAMING, f"{event!r} instead of an answer")
        return Answer(head.status_code, _text(head.headers), bytes(body), tuple(interim), began_at)

    async def _event(self) -> h11.Event:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                ended = self._wire.over and not self._wire.received and "closed connection" in str(error)
                raise CallError(Failure.TRUNCATED if ended else Failure.BAD_FRAMING, str(error)) from error
            if isinstance(event, h11.Event):
                return event
            if event is h11.PAUSED:
                raise CallError(Failure.BAD_FRAMING, "bytes beyond the answer")
            data = await self._wire.more()
            if not data and self._wire.total == self._bytes_before:
                if self.asked > 1:
                    raise CallError(Failure.CLOSED_IDLE, "closed instead of answering on a reused connection")
                raise CallError(Failure.EOF_BEFORE_ANSWER, "closed instead of answering")
            self._http.receive_data(data)

    async def ended(self) -> bytes:
        """Wait for the server's FIN; what it sent before that.

        Raises:
            CallError: reset.
        """
        rest = bytearray(self._http.trailing_data[0])
        while data := await self._wire.more():
            rest += data
        return bytes(rest)

    def finish_sending(self) -> None:
        """Half-close: send a FIN, go on reading."""
        self._wire.finish()

    def close(self) -> None:
        """Close it."""
        self._wire.close()

    def abort(self) -> None:
        """End it with a RST."""
        self._wire.abort()


def _text(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


async def ask_once(address: Address, request: Request | None = None, *, within: float = 30.0) -> Answer:
    """One request on a connection of its own.

    Raises:
        CallError: anything else than one whole, well-framed answer.
    """
    connection = await Connection.open(address)
    try:
        return await connection.ask(request or Request(close=True), within=within)
    finally:
        connection.close()
