"""A stream tells all that happens, in order and once, and loses no byte however it is held back."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.net.conftest import Bench, Notes, fail, take, tcp_pair, until


@pytest.mark.parametrize("event", ["made", "data", "eof", "room"])
async def test_a_fault_of_the_receiver_closes_the_connection(bench: Bench, event: str) -> None:
    """And is reported; the socket is not left behind, whatever it was about."""
    notes = Notes()
    notes.on[event] = fail
    stream, peer = bench.stream(notes)
    stream.write(bytes(20_000_000) if event == "room" else b"")
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


async def test_what_comes_behind_urgent_data_is_read_too(bench: Bench) -> None:
    """The kernel stops a read at its mark, so that a piece which is not full does not show that nothing is left."""
    pair = tcp_pair()
    pair[1].send(b"before")
    pair[1].send(b"!", socket.MSG_OOB)
    pair[1].send(b"behind")
    notes = Notes()
    bench.stream(notes, pair)
    await until(lambda: notes.data == b"beforebehind")
