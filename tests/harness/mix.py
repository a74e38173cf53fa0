"""The kinds of clients a load is made of. Each asks one thing over and over and knows what the answer has to be."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.harness import websocket
from tests.harness.client import Address, Answer, CallError, Connection, Failure, Request
from tests.harness.report import Sample

MAX_BODY = 200_000


@dataclass(frozen=True, slots=True)
class Mix:
    """How many clients of each kind ask at the same time, and how long each pauses between two requests."""

    keep_alive: int = 8
    one_shot: int = 4
    posts: int = 3
    uploads: int = 2
    slow: int = 4
    streams: int = 3
    websockets: int = 3
    events: int = 1
    pause: float = 0.01
    """Mean pause in seconds; the real one is random."""

    @property
    def clients(self) -> int:
        """All of them."""
        return sum(getattr(self, kind) for kind in KINDS)


NOBODY = Mix(keep_alive=0, one_shot=0, posts=0, uploads=0, slow=0, streams=0, websockets=0, events=0)
"""What a test starts from that wants few kinds only: ``dataclasses.replace(NOBODY, posts=4)``."""


@dataclass(slots=True)
class Book:
    """What all clients write into."""

    samples: list[Sample] = field(default_factory=list)
    reopened: int = 0
    leaving: bool = False
    """Set once no client should begin another request."""
    begun: int = 0
    limit: int | None = None
    """How many requests may be begun in all."""
    under_way: dict[str, float] = field(default_factory=dict)
    """When each unfinished request was begun, oldest first."""

    def next_id(self, kind: str) -> str | None:
        """A fresh id for a request that may begin now; ``None`` when it is time to leave."""
        if self.leaving or (self.limit is not None and self.begun >= self.limit):
            return None
        self.begun += 1
        ident = f"{kind}-{self.begun}"
        self.under_way[ident] = time.monotonic()
        return ident

    def add(self, sample: Sample) -> None:
        """Write down how a request ended."""
        del self.under_way[sample.id]
        self.samples.append(sample)

    @property
    def oldest(self) -> float:
        """When the oldest unfinished request was begun; now, if there is none."""
        return next(iter(self.under_way.values()), time.monotonic())


Check = Callable[[Answer], str | None]
"""What is wrong with an answer's content, in words; ``None`` if nothing is."""


@dataclass(slots=True)
class Client:
    """One client: at most one request at a time, on at most one connection."""

    kind: str
    address: Address
    book: Book
    rng: random.Random
    pause: float
    connection: Connection | None = None

    async def run(self) -> None:
        """Ask until it is time to leave."""
        make = KINDS[self.kind]
        while (ident := self.book.next_id(self.kind)) is not None:
            sample = await make(self, ident)
            self.book.add(sample)
            # After a failure a client waits a little, as real ones do; else a closed port is asked in a tight loop.
            await asyncio.sleep(0.05 if sample.failure else self.rng.uniform(0, 2 * self.pause))
        if self.connection is not None:
            self.connection.close()

    async def call(self, ident: str, request: Request, check: Check) -> Sample:
        """One request, on the kept connection if the request lets it be kept."""
        begun = time.monotonic()
        connection: Connection | None = None
        asked = 0
        try:
            connection = await self._connection(begun_with_close=request.close)
            asked = connection.asked
            answer = await connection.ask(request)
        except CallError as failed:
            self._drop(connection)
            return _failed(ident, self.kind, begun, connection, failed, reused=asked > 0)
        closes = answer.closes
        if closes or request.close:
            self._drop(connection)
        problem, failure = _content(answer, ident, check)
        return Sample(
            id=ident,
            kind=self.kind,
            begun=begun,
            sent=connection.sent_at,
            answered=answer.began_at,
            ended=time.monotonic(),
            color=answer.header("x-color"),
            name=answer.header("x-name"),
            failure=failure,
            detail=problem,
            reused=asked > 0,
            closes=closes and not request.close,
        )

    async def _connection(self, *, begun_with_close: bool) -> Connection:
        if self.connection is not None and not self.connection.usable:
            if self.connection.unasked:
                detail = f"bytes nobody asked for: {self.connection.unasked[:80]!r}"
                self._drop(self.connection)
                raise CallError(Failure.BAD_FRAMING, detail)
            self.book.reopened += 1
            self._drop(self.connection)
        if self.connection is not None:
            return self.connection
        connection = await Connection.open(self.address)
        if not begun_with_close:
            self.connection = connection
        return connection

    def _drop(self, connection: Connection | None) -> None:
        if connection is not None:
            connection.close()
        if connection is self.connection:
            self.connection = None


def _failed(
    ident: str, kind: str, begun: float, connection: Connection | None, failed: CallError, *, reused: bool
) -> Sample:
    sent = connection.sent_at if connection is not None else 0.0
    return Sample(
        ident, kind, begun, sent, 0.0, time.monotonic(), failure=failed.failure, detail=failed.detail, reused=reused
    )


def _content(answer: Answer, ident: str, check: Check) -> tuple[str, Failure | None]:
    if answer.status != 200:
        return f"{answer.status} {answer.body[:80]!r}", Failure.STATUS
    if answer.header("x-id") != ident:
        return f"the answer to {answer.header('x-id')}", Failure.CHANGED
    problem = check(answer)
    return (problem, Failure.CHANGED) if problem else ("", None)


def _is_root(answer: Answer) -> str | None:
    expected = f"{answer.header('x-color')} {answer.header('x-name')} {answer.header('x-version')}\n".encode()
    return None if answer.body == expected else f"{answer.body[:80]!r} instead of {expected!r}"


def _is_stream(answer: Answer) -> str | None:
    lines, checksum = answer.body[:-64], answer.body[-64:].decode("latin-1")
    return None if lines and hashlib.sha256(lines).hexdigest() == checksum else "the stream does not match its checksum"


def _is_events(answer: Answer) -> str | None:
    expected = b"".join(b"data: %d\n\n" % number for number in range(5)) + b"event: end\ndata:\n\n"
    return None if answer.body == expected else f"events {answer.body!r}"


def _is_echo(body: bytes) -> Check:
    digest = hashlib.sha256(body).hexdigest()

    def check(answer: Answer) -> str | None:
        if answer.header("x-length") != str(len(body)) or answer.header("x-sha256") != digest:
            return f"sent {len(body)} bytes, {answer.header('x-length')} arrived or others"
        return None if answer.body == body else f"{len(answer.body)} bytes came back, or not those {len(body)}"

    return check


async def _keep_alive(client: Client, ident: str) -> Sample:
    return await client.call(ident, Request(headers=(("X-Id", ident),)), _is_root)


async def _one_shot(client: Client, ident: str) -> Sample:
    return await client.call(ident, Request(headers=(("X-Id", ident),), close=True), _is_root)


async def _post(client: Client, ident: str) -> Sample:
    # Sizes spread evenly over their orders of magnitude: one byte is as likely as 200 kB.
    body = client.rng.randbytes(int(MAX_BODY ** client.rng.random()))
    request = Request("POST", "/echo", (("X-Id", ident),), pieces=(body,))
    return await client.call(ident, request, _is_echo(body))


async def _upload(client: Client, ident: str) -> Sample:
    sizes = [int(20_000 ** client.rng.random()) for _ in range(client.rng.randint(1, 10))]
    pieces = tuple(client.rng.randbytes(size) for size in sizes)
    request = Request("POST", "/echo", (("X-Id", ident),), pieces=pieces, chunked=True)
    return await client.call(ident, request, _is_echo(b"".join(pieces)))


async def _slow(client: Client, ident: str) -> Sample:
    target = f"/slow?ms={client.rng.randint(10, 100)}"
    return await client.call(ident, Request("GET", target, (("X-Id", ident),)), _is_root)


async def _stream(client: Client, ident: str) -> Sample:
    target = f"/stream?chunks={client.rng.randint(1, 10)}&ms={client.rng.randint(1, 10)}"
    return await client.call(ident, Request("GET", target, (("X-Id", ident),)), _is_stream)


async def _events(client: Client, ident: str) -> Sample:
    return await client.call(ident, Request("GET", "/events?count=5&ms=5", (("X-Id", ident),)), _is_events)


async def _websocket(client: Client, ident: str) -> Sample:
    begun = time.monotonic()
    session: websocket.Session | None = None
    try:
        async with asyncio.timeout(10):
            session = await websocket.Session.open(client.address, headers=(("X-Id", ident),))
            answered = time.monotonic()
            color = await session.receive()
            problem = await _talk(session, client.rng)
            await session.close()
    except (CallError, TimeoutError) as error:
        failed = error if isinstance(error, CallError) else CallError(Failure.TIMED_OUT, "session of 10 s")
        if session is not None:
            with contextlib.suppress(OSError):
                session.abort()
        sent = session.sent_at if session is not None else 0.0
        return Sample(
            ident, client.kind, begun, sent, 0.0, time.monotonic(), failure=failed.failure, detail=failed.detail
        )
    failure = Failure.CHANGED if problem else None
    ended = time.monotonic()
    return Sample(
        ident, client.kind, begun, session.sent_at, answered, ended, color=color, failure=failure, detail=problem or ""
    )


async def _talk(session: websocket.Session, rng: random.Random) -> str | None:
    for number in range(rng.randint(1, 8)):
        text = f"{number} " + "x" * rng.randint(0, 2000)
        if (back := await websocket.echo(session, text)) != text:
            return f"message {number} came back as {back[:80]!r}"
        await asyncio.sleep(0.01)
    return None


KINDS: dict[str, Callable[[Client, str], Awaitable[Sample]]] = {
    "keep_alive": _keep_alive,
    "one_shot": _one_shot,
    "posts": _post,
    "uploads": _upload,
    "slow": _slow,
    "streams": _stream,
    "websockets": _websocket,
    "events": _events,
}
"""What a client of each kind does, by the name of its field in :class:`Mix`."""
