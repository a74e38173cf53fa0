"""What is written to a stream arrives, whole and in order, however slowly the peer takes it."""

from __future__ import annotations

import asyncio
import socket

import pytest

from proxy.net.stream import WRITE_HIGH, Stream
from tests.net.conftest import MANY, Bench, Notes, Pair, rounds, take, tcp_pair, until


@pytest.mark.parametrize("pair", [tcp_pair, socket.socketpair])
async def test_what_the_kernel_does_not_take_is_sent_when_it_does(bench: Bench, pair: Pair) -> None:
    """The writer is told once to hold back, and once to go on; what it writes all the same keeps its place."""
    notes = Notes()
    stream, peer = bench.stream(notes, pair())
    body = b"".join(b"%07d\n" % number for number in range(500_000))
    for start in range(0, len(body), 1_000_000):
        stream.write(body[start : start + 1_000_000])
    assert stream.waiting > WRITE_HIGH
    assert notes.told == ["made", "full"]
    taken = b""
    while len(taken) < len(body):
        taken += take(peer)
        await asyncio.sleep(0)
    assert taken == body
    assert (notes.told, stream.waiting) == (["made", "full", "room"], 0)
    stream.write(bytes(MANY))
    assert notes.told == ["made", "full", "room", "full"]


async def test_who_is_told_to_hold_back_or_go_on_may_write_or_end_it(bench: Bench) -> None:
    """In that very moment; every byte keeps its place."""
    notes = Notes()
    stream, peer = bench.stream(notes)

    def leave() -> None:
        stream.write(b"R")
        stream.close()

    notes.on["full"] = lambda: stream.write(b"F")
    notes.on["room"] = leave
    stream.write(bytes(MANY))
    taken = 0
    last = b""
    while "lost" not in notes.told:
        if piece := take(peer):
            taken, last = taken + len(piece), piece
        await asyncio.sleep(0)
    rest = take(peer)
    assert taken + len(rest) == MANY + 2
    assert (last + rest)[-2:] == b"FR"
    assert notes.told == ["made", "full", "room", "lost"]


async def test_a_peer_that_is_gone_ends_a_stream_which_is_being_closed(bench: Bench) -> None:
    """It does not read any more, but what it cannot send ends it."""
    for end in (Stream.close, Stream.pause_reading):
        notes = Notes()
        stream, peer = bench.stream(notes)
        stream.write(bytes(MANY))
        end(stream)
        await rounds()
        assert "lost" not in notes.told
        peer.close()
        await until(lambda notes=notes: "lost" in notes.told)  # type: ignore[misc]
        assert isinstance(notes.error, OSError)
        assert stream.waiting == 0


async def test_writing_to_a_peer_that_is_gone_ends_it(bench: Bench) -> None:
    """Not at once: whoever writes is amid something."""
    notes = Notes()
    stream, peer = bench.stream(notes)
    stream.pause_reading()
    stream.write(b"unread")
    await rounds()
    peer.close()
    stream.write(b"more")
    stream.write(b"and more")
    assert notes.told == ["made"]
    await until(lambda: "lost" in notes.told)
    assert isinstance(notes.error, ConnectionError)
    stream.write(b"nothing happens")
