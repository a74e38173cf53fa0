"""A stream ends once, whoever ends it and whenever, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import socket
from collections.abc import Callable

import pytest

from proxy.net.stream import PIECES_IN_A_ROW, Stream
from tests.net.conftest import MANY, PIECE, Bench, Notes, fail, rounds, take, tcp_pair, until

ENDS: list[Callable[[Stream], None]] = [Stream.close, Stream.abort, Stream.reset, Stream.write_eof]


async def test_a_close_sends_everything_first_and_reads_no_more(bench: Bench) -> None:
    """The end of ours comes behind the last byte."""
    notes = Notes()
    stream, peer = bench.stream(notes)
    stream.write(bytes(MANY))
    stream.close()
    stream.close()
    stream.write(b"too late")
    stream.write_eof()
    peer.send(b"too late as well")
    taken = 0
    while "lost" not in notes.told:
        taken += len(take(peer))
        await asyncio.sleep(0)
    assert taken + len(take(peer)) == MANY
    assert (notes.data, notes.error) == (b"", None)


async def test_our_side_alone_can_be_closed(bench: Bench) -> None:
    """Once everything is sent; what the peer says is still told, and nothing is written any more."""
    notes = Notes()
    stream, peer = bench.stream(notes)
    stream.write(bytes(MANY))
    stream.write_eof()
    stream.write_eof()
    stream.write(b"too late")
    taken, ended = 0, False
    peer.setblocking(True)
    while not ended:
        piece = await asyncio.to_thread(peer.recv, 1_000_000)
        taken, ended = taken + len(piece), piece == b""
    assert taken == MANY
    peer.send(b"answer")
    await until(lambda: notes.data == b"answer")
    assert "lost" not in notes.told


@pytest.mark.parametrize("event", ["made", "data", "eof", "full"])
@pytest.mark.parametrize("end", ENDS[:3])
async def test_it_can_be_ended_amid_anything(bench: Bench, event: str, end: Callable[[Stream], None]) -> None:
    """Nothing else is told then but that it is over, and that once."""
    notes = Notes()

    def end_twice() -> None:
        end(notes.stream)
        end(notes.stream)

    notes.on[event] = end_twice
    ours, peer = tcp_pair()
    peer.send(bytes(100_000) if event == "data" else b"")
    if event == "eof":
        peer.shutdown(socket.SHUT_WR)
    stream, _ = bench.stream(notes, (ours, peer))
    if event == "full":
        stream.write(bytes(MANY))
    while "lost" not in notes.told:
        take(peer)
        await asyncio.sleep(0)
    await rounds()
    between = {"data": ["data"], "eof": ["eof"], "full": ["full"], "made": []}[event]
    assert [told for told in notes.told if told != "room"] == ["made", *between, "lost"]
    assert stream.socket.fileno() == -1


@pytest.mark.parametrize("ends", list(itertools.permutations(ENDS, 2)))
@pytest.mark.parametrize("size", [0, MANY])
async def test_ends_may_come_in_any_order(bench: Bench, ends: list[Callable[[Stream], None]], size: int) -> None:
    """It is over once, and a socket that was opened since under the same number is not touched."""
    notes, newer = Notes(), Notes()
    stream, _ = bench.stream(notes)
    number = stream.socket.fileno()
    near, peer = tcp_pair()
    stream.write(bytes(size))
    for end in ends:
        end(stream)
    stream.abort()
    await rounds()
    assert notes.told.count("lost") == 1
    with near:
        os.dup2(near.fileno(), number)
    bench.stream(newer, (socket.socket(fileno=number), peer))
    for end in ENDS:
        end(stream)
    await rounds()
    peer.send(b"untouched")
    await until(lambda: newer.data == b"untouched")
    assert notes.told.count("lost") == 1


async def test_a_reset_is_seen_as_one(bench: Bench) -> None:
    """No orderly end, even though nothing was unread."""
    stream, peer = bench.stream(Notes())
    stream.reset()
    await rounds()
    with pytest.raises(ConnectionResetError):
        peer.recv(1)


@pytest.mark.parametrize("event", ["made", "data", "eof", "room"])
async def test_a_fault_of_the_receiver_closes_the_connection(bench: Bench, event: str) -> None:
    """And is reported; the socket is not left behind, whatever it was about."""
    notes = Notes()
    notes.on[event] = fail
    stream, peer = bench.stream(notes)
    stream.write(bytes(MANY) if event == "room" else b"")
    peer.send(b"data")
    if event == "eof":
        peer.shutdown(socket.SHUT_WR)
    while "lost" not in notes.told:
        take(peer)
        await asyncio.sleep(0)
    assert notes.told.count("lost") == 1
    assert isinstance(notes.error, ZeroDivisionError)
    assert [type(fault) for fault in bench.faults] == [ZeroDivisionError]
    assert stream.socket.fileno() == -1


async def test_a_fault_amid_a_lot_of_data_closes_the_connection(bench: Bench) -> None:
    """What is read after the others had their turn is watched over as well."""
    ours, peer = tcp_pair()
    peer.sendall(bytes(400_000))
    notes = Notes()

    def fail_late() -> None:
        if len(notes.sizes) > PIECES_IN_A_ROW:
            fail()

    notes.on["data"] = fail_late
    stream, _ = bench.stream(notes, (ours, peer))
    await until(lambda: "lost" in notes.told)
    assert len(notes.sizes) == PIECES_IN_A_ROW + 1
    assert stream.socket.fileno() == -1


async def test_a_fault_at_the_end_does_not_keep_the_socket_open(bench: Bench) -> None:
    """It is reported, and nothing else is left to be told."""
    notes = Notes()
    notes.on["lost"] = fail
    stream, _ = bench.stream(notes)
    stream.close()
    await until(lambda: bench.faults)
    assert stream.socket.fileno() == -1


async def test_nothing_of_it_waits_for_the_garbage_collector(bench: Bench) -> None:
    """The stream and its receiver know each other only as long as it lives, and nobody else knows them."""
    ours, peer = tcp_pair()
    ours.setblocking(False)
    notes = Notes()
    notes.keeps_open = False
    gc.collect()
    gc.disable()
    try:
        Stream(bench.poller, ours, notes, PIECE)
        peer.close()
        while "lost" not in notes.told:
            await rounds(1)
        del notes
        await rounds()
        assert not [kept for kept in gc.get_objects() if isinstance(kept, (Stream, Notes))]
    finally:
        gc.enable()
