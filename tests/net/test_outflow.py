"""A slow peer is told from a stuck one by what it has acknowledged."""

from __future__ import annotations

from proxy.net.outflow import Outflow
from tests.net.conftest import Bench, Notes, rounds, take, until


async def test_a_slow_peer_is_told_from_a_stuck_one(bench: Bench) -> None:
    """As long as anything is taken, be it only from the kernel's buffer, there is hope."""
    stream, peer = bench.stream(Notes())
    stream.write(bytes(16_000_000))
    await rounds()
    outflow = Outflow(stream, 0.0, 10.0)
    assert not outflow.stuck(9.0)
    assert outflow.stuck(10.0)
    before = stream.unsent()
    for _ in range(3):
        take(peer)
        await rounds()
    await until(lambda: stream.unsent() < before)
    assert not outflow.stuck(20.0)
    assert not outflow.stuck(29.0)
    assert outflow.stuck(30.0)


async def test_what_the_kernel_has_counts_until_the_peer_has_it(bench: Bench) -> None:
    """Nothing waits here any more, and yet it was not taken; of a stream that is over nothing is left."""
    stream, peer = bench.stream(Notes())
    assert stream.unsent() == 0
    stream.write(bytes(16_000_000))
    waiting = stream.waiting
    assert 0 < waiting <= stream.unsent() <= 16_000_000
    while stream.waiting:
        take(peer)
        await rounds(1)
    await until(lambda: take(peer) == b"" and stream.unsent() == 0)
    stream.write(bytes(16_000_000))
    stream.abort()
    await rounds()
    assert stream.unsent() == 0
