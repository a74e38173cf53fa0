"""Clients that give up in the middle: of their own body, of the answer, of a WebSocket."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from tests.harness import websocket
from tests.harness.client import Address
from tests.harness.wire import Wire

BODY = bytes(100_000)
POST = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(BODY)
CHUNKED = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM = b"GET /stream?chunks=50&ms=1 HTTP/1.1\r\nHost: a\r\n\r\n"


async def give_up(address: Address, count: int, *, at_once: int = 16, seed: int = 1) -> None:
    """So many requests that are broken off amid a body, by a FIN or by a RST, ``at_once`` of them at the same time."""
    ways = (_amid_a_post, _amid_chunks, _amid_an_answer)
    rng = random.Random(seed)
    await _crowd(count, at_once, lambda: rng.choice(ways)(address, rng))


async def greet(address: Address, count: int, *, at_once: int = 16, seed: int = 1) -> None:
    """So many WebSockets with one echo each; half of them are closed in order, the others reset."""
    rng = random.Random(seed)
    await _crowd(count, at_once, lambda: _websocket(address, rng))


async def _crowd(count: int, at_once: int, one: Callable[[], Awaitable[None]]) -> None:
    left = iter(range(count))

    async def some() -> None:
        for _ in left:
            await one()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(some())


async def _amid_a_post(address: Address, rng: random.Random) -> None:
    wire = await Wire.open(*address)
    await wire.write(POST + BODY[: rng.randrange(len(BODY))])
    _leave(wire, rng)


async def _amid_chunks(address: Address, rng: random.Random) -> None:
    wire = await Wire.open(*address)
    await wire.write(CHUNKED + b"1000\r\n" + BODY[: rng.randrange(0x1000)])
    _leave(wire, rng)


async def _amid_an_answer(address: Address, rng: random.Random) -> None:
    wire = await Wire.open(*address)
    await wire.write(STREAM)
    await wire.more()
    _leave(wire, rng)


def _leave(wire: Wire, rng: random.Random) -> None:
    if rng.random() < 0.5:
        wire.abort()
    else:
        wire.close()


async def _websocket(address: Address, rng: random.Random) -> None:
    session = await websocket.Session.open(address)
    assert await websocket.echo(session, "hello") is not None
    if rng.random() < 0.5:
        await session.close()
    else:
        session.abort()
