"""A stream tells all that it reads, in order and once, however it is held back."""

from __future__ import annotations

import itertools
import socket

import pytest

from proxy.net.stream import PIECES_IN_A_ROW, SMALL_PIECE
from tests.net.conftest import PIECE, Bench, Notes, Pair, rounds, take, tcp_pair, until


@pytest.mark.parametrize("pair", [tcp_pair, socket.socketpair])
async def test_everything_is_told_in_order(bench: Bench, pair: Pair) -> None:
    """Beginning, data, the end of theirs, the end of all."""
    notes = Notes()
    stream, peer = bench.stream(notes, pair())
    peer.send(b"one")
    await until(lambda: notes.data == b"one")
    peer.send(b"two")
    await until(lambda: notes.data == b"onetwo")
    peer.shutdown(socket.SHUT_WR)
    await until(lambda: "eof" in notes.told)
    stream.write(b"three")
    stream.close()
    await until(lambda: "lost" in notes.told)
    assert notes.told == ["made", "data", "data", "eof", "lost"]
    assert notes.error is None
    assert take(peer) == b"three"
    assert stream.socket.fileno() == -1


@pytest.mark.parametrize("pair", [tcp_pair, socket.socketpair])
@pytest.mark.parametrize("size", [0, 5, SMALL_PIECE, SMALL_PIECE + PIECE, 300_000])
async def test_an_end_that_comes_with_data_is_told(bench: Bench, pair: Pair, size: int) -> None:
    """The kernel tells of both at once, whether or not the last piece is a full one."""
    ours, peer = pair()
    for end in (ours, peer):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2_000_000)
    peer.sendall(bytes(size))
    peer.shutdown(socket.SHUT_WR)
    notes = Notes()
    bench.stream(notes, (ours, peer))
    await until(lambda: "eof" in notes.told)
    await rounds()
    assert len(notes.data) == size
    assert notes.told.count("eof") == 1


async def test_pieces_are_small_until_a_lot_comes(bench: Bench) -> None:
    """And never larger than they may be."""
    ours, peer = tcp_pair()
    peer.sendall(bytes(300_000))
    notes = Notes()
    bench.stream(notes, (ours, peer))
    await until(lambda: len(notes.data) == 300_000)
    assert notes.sizes[:2] == [SMALL_PIECE, PIECE]
    assert max(notes.sizes) == PIECE


async def test_who_sends_a_lot_does_not_keep_others_waiting(bench: Bench) -> None:
    """Everybody has a turn after a few pieces of somebody else."""
    order: list[str] = []
    for name in ("first", "second", "third"):
        ours, peer = tcp_pair()
        peer.sendall(bytes(400_000))
        notes = Notes()
        notes.on["data"] = lambda name=name: order.append(name)  # type: ignore[misc]
        bench.stream(notes, (ours, peer))
    await until(lambda: len(order) > 20)
    turns = [(name, len(list(run))) for name, run in itertools.groupby(order[: 6 * PIECES_IN_A_ROW])]
    assert [name for name, _ in turns][:6] == ["first", "second", "third"] * 2
    assert max(length for _, length in turns) == PIECES_IN_A_ROW


async def test_what_comes_behind_urgent_data_is_read_too(bench: Bench) -> None:
    """The kernel stops a read at its mark, so that a piece which is not full does not show that nothing is left."""
    pair = tcp_pair()
    pair[1].send(b"before")
    pair[1].send(b"!", socket.MSG_OOB)
    pair[1].send(b"behind")
    notes = Notes()
    bench.stream(notes, pair)
    await until(lambda: notes.data == b"beforebehind")


@pytest.mark.parametrize("ending", ["more", "end", "reset"])
@pytest.mark.parametrize("when", ["before", "with", "after"])
async def test_what_comes_during_a_pause_is_told_after_it(bench: Bench, ending: str, when: str) -> None:
    """Whether the pause began before there was anything, amid it, or behind it."""
    notes = Notes()
    stream, peer = bench.stream(notes)
    if when == "before":
        stream.pause_reading()
    elif when == "with":
        notes.on["data"] = stream.pause_reading
    peer.send(b"data")
    await until(lambda: notes.data or when == "before")
    await rounds()
    stream.pause_reading()
    notes.on.clear()
    before = list(notes.told)
    match ending:
        case "more":
            peer.send(b"more")
        case "end":
            peer.shutdown(socket.SHUT_WR)
        case "reset":
            stream.write(b"unread, and so answered by a reset")
            await rounds()
            peer.close()
    await rounds()
    assert notes.told == before
    stream.resume_reading()
    assert notes.told == before  # not at once: whoever resumes is amid something
    await until(
        lambda: {"more": len(notes.data) == 8, "end": "eof" in notes.told, "reset": "lost" in notes.told}[ending]
    )
    assert notes.data == (b"datamore" if ending == "more" else b"data")
    assert isinstance(notes.error, ConnectionResetError) == (ending == "reset")


async def test_a_pause_holds_from_the_next_piece_on(bench: Bench) -> None:
    """Also if the kernel has more, and if it was taken back meanwhile and begun anew."""
    ours, peer = tcp_pair()
    peer.sendall(bytes(200_000))
    peer.shutdown(socket.SHUT_WR)
    notes = Notes()
    stream, _ = bench.stream(notes, (ours, peer))
    notes.on["data"] = stream.pause_reading
    for count in range(1, 5):
        await until(lambda count=count: len(notes.sizes) == count)  # type: ignore[misc]
        await rounds()
        assert len(notes.sizes) == count
        stream.resume_reading()
        stream.pause_reading()
        await rounds()
        assert len(notes.sizes) == count
        stream.resume_reading()
        stream.resume_reading()

    def pause_for_a_moment() -> None:
        stream.pause_reading()
        stream.resume_reading()

    notes.on["data"] = pause_for_a_moment
    await until(lambda: "eof" in notes.told)
    assert len(notes.data) == 200_000


async def test_looking_at_a_socket_takes_nothing_from_it(bench: Bench) -> None:
    """Silent, then not, and the data is still there to be received; a stream that is closed has none."""
    stream, peer = bench.stream(Notes())
    stream.pause_reading()
    assert stream.is_silent()
    peer.send(b"x")
    assert not stream.is_silent()
    assert stream.receive() == b"x"
    assert stream.receive() == b""
    assert stream.is_silent()
    stream.abort()
    for _ in range(2):
        assert not stream.is_silent()
        assert stream.receive() == b""
        await rounds()


async def test_another_receiver_is_told_from_then_on(bench: Bench) -> None:
    """Amid the data, too; the first one hears nothing more, not even the end."""
    first, second = Notes(), Notes()
    stream, peer = bench.stream(first)
    first.on["data"] = lambda: stream.hand_over(second)
    peer.send(b"one")
    await until(lambda: "made" in second.told)
    peer.send(b"two")
    peer.close()
    second.keeps_open = False
    await until(lambda: "lost" in second.told)
    assert (first.told, second.told) == (["made", "data"], ["made", "data", "eof", "lost"])
    assert second.data == b"two"
