"""Garbage in cycles waits for the collector, which hardly ever looks at what has lived for a while: it piles up."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.dataplane.conftest import GET, POST, Front, StartFront
from tests.dataplane.test_tunnel import agreeing, open_tunnel
from tests.harness import faults
from tests.harness.faults import Peer

ROUNDS = 50

LAST_GET = GET.replace(b"Host", b"Connection: close\r\nHost")


@contextmanager
def no_cycles() -> Iterator[None]:
    """Nothing of ours that is thrown away within the block needs the collector."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield
        gc.collect()
        ours = [repr(type(each)) for each in gc.garbage if type(each).__module__.startswith("proxy.")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert ours == []


async def _gone(front: Front) -> None:
    await front.until(lambda: not front.door.connections)


@pytest.mark.parametrize(
    "request_", [GET, LAST_GET, POST, b"GET / HTTP/1.1\nHost: a\r\n\r\n", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"]
)
async def test_a_connection_leaves_no_cycle(start_front: StartFront, request_: bytes) -> None:
    """Answered, refused, kept or closed: with its last reference all of it is gone."""
    front, _ = await start_front([faults.answer])
    with no_cycles():
        for _ in range(ROUNDS):
            async with front.client() as client:
                client.send(request_)
                await client.head()
        await _gone(front)


async def test_a_tunnel_leaves_no_cycle(start_front: StartFront) -> None:
    """Long as it was."""

    async def end(peer: Peer) -> None:
        peer.writer.close()

    front, _ = await start_front([agreeing(end)])
    with no_cycles():
        for _ in range(ROUNDS):
            async with front.client() as client:
                await open_tunnel(client)
                await client.rest()
        await _gone(front)
