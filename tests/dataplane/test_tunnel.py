"""Upgrades: bytes both ways, counted as tunnels, ended in order."""

from __future__ import annotations

import asyncio

import pytest

from proxy.shm.names import Outcome, Series
from proxy.traffic.spec import DoorSpec, Timeouts
from tests.dataplane.conftest import BLUE, Client, StartFront, quiet
from tests.harness import faults
from tests.harness.faults import Behaviour, Peer
from tests.harness.upstream import abort

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
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"websocket" in head
        assert await client.reader.readexactly(10) == b"helloearly"
        assert front.count(Series.TUNNELS, *BLUE) == 1
        assert front.count(Series.IN_FLIGHT, *BLUE) == 0
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
        assert head.startswith(b"HTTP/1.1 200 ")
        assert body == faults.GOOD_BODY
    assert len(server.heads) == 1


async def test_101_that_nobody_asked_for_is_a_bad_answer(start_front: StartFront) -> None:
    """A protocol is switched only by mutual consent."""
    front, _ = await start_front([faults.raw(AGREED)])
    async with front.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.head()).startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize("protocol", [b"websocket", b"tcp"])
async def test_a_cut_tunnel_is_counted_as_cut_by_the_proxy(start_front: StartFront, protocol: bytes) -> None:
    """A drain deadline ends what is no WebSocket on both sides, and neither can take that for the end of the stream."""

    async def talk(peer: Peer) -> None:
        await peer.head()
        await peer.send(AGREED.replace(b"websocket", protocol) + b"hello")
        await peer.reader.read()

    front, _ = await start_front([talk])
    async with front.client() as client:
        client.send(UPGRADE.replace(b"websocket", protocol))
        await client.head()
        await client.reader.readexactly(5)
        (connection,) = front.door.connections
        assert connection.occupant is not None
        connection.occupant.wind_up()
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


async def say_nothing(peer: Peer) -> None:
    """Neither send nor read."""
    await asyncio.Event().wait()


async def open_tunnel(client: Client) -> None:
    """Ask for the upgrade and read that it was agreed to."""
    client.send(UPGRADE)
    assert (await client.head()).startswith(b"HTTP/1.1 101 ")


def agreeing(then: Behaviour) -> Behaviour:
    """Agree to the upgrade, then do this."""

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.send(AGREED)
        await then(peer)

    return behave


async def test_all_that_was_sent_arrives_though_the_upstream_has_ended_first(start_front: StartFront) -> None:
    """An upstream that only listens any more still gets everything, and its end."""
    got: list[int] = []
    go_on = asyncio.Event()

    async def listen(peer: Peer) -> None:
        peer.writer.write_eof()
        await go_on.wait()
        got.append(len(await peer.reader.read(-1)))

    front, _ = await start_front([agreeing(listen)])
    async with front.client() as client:
        await open_tunnel(client)
        assert await client.rest() == b""
        client.send(bytes(8_000_000))
        client.writer.write_eof()
        go_on.set()
        await front.until(lambda: got == [8_000_000])
    await front.until(lambda: quiet(front))
    assert front.count(Series.ENDED, *BLUE, Outcome.FINISHED) == 1


@pytest.mark.parametrize("side", ["client", "upstream"])
async def test_a_reset_of_one_side_is_a_reset_for_the_other(start_front: StartFront, side: str) -> None:
    """Neither takes it for an orderly end of the stream."""
    seen: list[type] = []

    async def wait(peer: Peer) -> None:
        if side == "upstream":
            await peer.reader.readexactly(1)
            peer.reset()
            return
        try:
            await peer.reader.read()
        except OSError as error:
            seen.append(type(error))

    front, _ = await start_front([agreeing(wait)])
    async with front.client() as client:
        await open_tunnel(client)
        if side == "client":
            abort(client.writer.transport)
            await front.until(lambda: seen == [ConnectionResetError])
        else:
            client.send(b"x")
            with pytest.raises(ConnectionResetError):
                await client.rest()
    outcome = Outcome.CUT_BY_CLIENT if side == "client" else Outcome.FAILED
    await front.until(lambda: front.count(Series.ENDED, *BLUE, outcome) == 1 and quiet(front))


async def test_backpressure_both_ways_and_everything_arrives(start_front: StartFront) -> None:
    """Both sides send much at once and read late; only little of it waits here."""
    size = 12 * 1024 * 1024
    go_on = asyncio.Event()

    async def much(peer: Peer) -> None:
        peer.writer.write(bytes(size))
        await go_on.wait()
        await peer.reader.readexactly(size)
        await peer.writer.drain()

    front, _ = await start_front([agreeing(much)])
    async with front.client() as client:
        await open_tunnel(client)
        client.send(bytes(size))
        (connection,) = front.door.connections
        await front.until(lambda: connection.stream.waiting > 0)
        await asyncio.sleep(0.2)
        assert connection.stream.waiting < 1_000_000
        go_on.set()
        await client.reader.readexactly(size)
        assert await client.rest() == b""
    await front.until(lambda: quiet(front))


async def test_a_side_that_takes_nothing_ends_the_tunnel(start_front: StartFront) -> None:
    """Silence is no error, but a full buffer that never moves is one."""
    front, _ = await start_front([agreeing(say_nothing)], door=DoorSpec(timeouts=Timeouts(stall=0.3, idle=0.1)))
    async with front.client() as client:
        await open_tunnel(client)
        await asyncio.sleep(0.5)
        assert front.count(Series.TUNNELS, *BLUE) == 1
        client.send(bytes(32_000_000))
        await front.until(lambda: front.count(Series.ENDED, *BLUE, Outcome.FAILED) == 1)


async def test_half_a_tunnel_is_not_kept_for_ever(start_front: StartFront) -> None:
    """One side has ended and the other is silent: after the idle time it is over."""
    front, _ = await start_front([agreeing(say_nothing)], door=DoorSpec(timeouts=Timeouts(idle=0.2)))
    async with front.client() as client:
        await open_tunnel(client)
        client.writer.write_eof()
        await front.until(lambda: quiet(front))
