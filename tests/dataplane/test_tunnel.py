"""Upgrades: bytes both ways, counted as tunnels, ended in order."""

from __future__ import annotations

import asyncio

import pytest

from proxy.shm.names import Outcome, Series
from tests.dataplane.conftest import BLUE, StartFront
from tests.harness import faults
from tests.harness.faults import Peer

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
AGREED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


async def echo(peer: Peer) -> None:
    """Agree to the upgrade, then send back what comes until it ends."""
    await peer.head()
    await peer.send(AGREED + b"hello")
    while data := await peer.reader.read(65536):
        await peer.send(data)


async def test_bytes_pass_both_ways_and_the_tunnel_is_counted(start_front: StartFront) -> None:
    """What came early on either side is not lost, and half-close is passed on."""
    front, _ = await start_front([echo])
    async with front.client() as client:
        client.send(UPGRADE + b"early")
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 101 ") and b"websocket" in head
        assert await client.reader.readexactly(10) == b"helloearly"
        assert front.count(Series.TUNNELS, *BLUE) == 1 and front.count(Series.IN_FLIGHT, *BLUE) == 0
        client.send(b"x" * 300_000)
        assert await client.reader.readexactly(300_000) == b"x" * 300_000
        client.writer.write_eof()
        assert await client.rest() == b""
    await front.until(lambda: front.count(Series.TUNNELS, *BLUE) == 0)
    assert front.count(Series.ENDED, *BLUE, Outcome.FINISHED) == 1


async def test_a_refused_upgrade_is_an_ordinary_answer(start_front: StartFront) -> None:
    """Bytes that were sent for the other protocol are not taken for a request."""
    front, (server,) = await start_front([faults.answer])
    async with front.client() as client:
        client.send(UPGRADE)
        head, body = await client.answer(5)
        assert head.startswith(b"HTTP/1.1 200 ") and body == faults.GOOD_BODY
    assert len(server.heads) == 1


async def test_101_that_nobody_asked_for_is_a_bad_answer(start_front: StartFront) -> None:
    """A protocol is switched only by mutual consent."""
    front, _ = await start_front([faults.raw(AGREED)])
    async with front.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.head()).startswith(b"HTTP/1.1 502 ")


async def test_a_cut_tunnel_is_counted_as_cut_by_the_proxy(start_front: StartFront) -> None:
    """A drain deadline ends it on both sides, and neither can take that for the end of the stream."""
    front, _ = await start_front([echo])
    async with front.client() as client:
        client.send(UPGRADE)
        await client.head()
        await client.reader.readexactly(5)
        (connection,) = front.door.connections
        assert connection.occupant is not None
        connection.occupant.cut()
        with pytest.raises(ConnectionResetError):
            await client.rest()
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_PROXY) == 1


async def test_an_event_stream_is_counted_as_long_lived(start_front: StartFront) -> None:
    """Server-sent events are let run like a tunnel, each event at once."""

    async def events(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        await peer.send(b"9\r\ndata: 1\n\n\r\n")
        await peer.reader.read()

    front, _ = await start_front([events])
    async with front.client() as client:
        client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.head()
        assert b"data: 1" in await asyncio.wait_for(client.reader.readuntil(b"\n\n"), 5)
        assert front.count(Series.TUNNELS, *BLUE) == 1
