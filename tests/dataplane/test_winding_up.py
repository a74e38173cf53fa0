"""What lives long is ended late, one after the other, and each as its protocol has it."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack

import pytest

from proxy.dataplane.admission import Lease
from proxy.dataplane.stopping import stop_gracefully
from proxy.dataplane.winding_up import wind_up
from proxy.shm.names import Outcome, Series
from tests.dataplane.conftest import BLUE, GET, Client, Front, StartFront, quiet
from tests.dataplane.test_tunnel import agreeing, open_tunnel
from tests.dataplane.test_websocket import GOING_AWAY
from tests.harness import faults
from tests.harness.faults import Behaviour, Peer

CHUNKED = b"Transfer-Encoding: chunked\r\n"
EVENT = b"9\r\ndata: 1\n\n\r\n"
END = b"0\r\n\r\n"


def streaming(fields: bytes, first: bytes, *, kind: bytes = b"text/event-stream") -> Behaviour:
    """Begin an answer, and leave it at that."""

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n" + fields + b"\r\n" + first)
        await peer.reader.read()

    return behave


def long_lived(lease: Lease) -> bool:
    """What a drain winds up last."""
    return lease.long_lived


async def begun(front: Front, client: Client, upto: bytes, *, request: bytes = GET) -> bytes:
    """Ask, and read this far."""
    client.send(request)
    data = await client.reader.readuntil(upto)
    await front.until(lambda: front.count(Series.TUNNELS, *BLUE) + front.count(Series.IN_FLIGHT, *BLUE) == 1)
    return data


async def test_an_event_stream_ends_in_order_and_its_client_may_ask_again(start_front: StartFront) -> None:
    """The end of a chunked stream is a last chunk, and the next request on the connection is answered."""
    front, (server,) = await start_front([streaming(CHUNKED, EVENT), faults.answer])
    async with front.client() as client:
        assert b"Connection: close" not in await begun(front, client, EVENT)
        wind_up(front.door, long_lived, 0.0)
        assert await client.reader.readexactly(len(END)) == END
        assert quiet(front)
        client.send(GET)
        head, _ = await client.answer(5)
        assert head.startswith(b"HTTP/1.1 200 ")
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_PROXY) == 1
    assert len(server.heads) == 2
    line = (await front.log(2))[0]
    assert (line["status"], line["outcome"]) == (200, "drain_deadline")


async def test_an_event_stream_without_chunks_ends_with_its_connection(start_front: StartFront) -> None:
    """To a client of HTTP/1.0 the end is the close, and it comes without a reset."""
    front, _ = await start_front([streaming(b"", b"data: 1\n\n")])
    async with front.client() as client:
        await begun(front, client, b"data: 1\n\n", request=b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        wind_up(front.door, long_lived, 0.0)
        assert await client.rest() == b""
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_PROXY) == 1


@pytest.mark.parametrize(
    ("fields", "kind", "first"),
    [
        (b"Content-Length: 1000\r\n", b"text/event-stream", b"data: 1\n\n"),
        (CHUNKED, b"text/plain", EVENT),
        (CHUNKED, b"application/grpc-web+proto", EVENT),
    ],
)
async def test_anything_else_is_seen_to_be_cut(
    start_front: StartFront, fields: bytes, kind: bytes, first: bytes
) -> None:
    """Half an answer never looks like a whole one."""
    front, _ = await start_front([streaming(fields, first, kind=kind)])
    async with front.client() as client:
        await begun(front, client, first)
        wind_up(front.door, lambda lease: True, 0.0)
        with pytest.raises(ConnectionResetError):
            await client.rest()
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_PROXY) == 1


async def test_an_event_stream_survives_until_it_is_told_to_end(start_front: StartFront) -> None:
    """Each event comes at once, also after a table that sends new requests elsewhere."""
    more = asyncio.Event()

    async def events(peer: Peer) -> None:
        await streaming_head(peer)
        for _ in range(3):
            await more.wait()
            more.clear()
            await peer.send(EVENT)
        await peer.send(END)

    async def streaming_head(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + CHUNKED + b"\r\n")

    front, _ = await start_front([events])
    async with front.client() as client:
        await begun(front, client, b"\r\n\r\n")
        front.publish()  # nothing serves blue any more
        front.door.refresh()
        for _ in range(3):
            more.set()
            assert await client.reader.readexactly(len(EVENT)) == EVENT
        assert await client.reader.readexactly(len(END)) == END
    assert front.count(Series.ENDED, *BLUE, Outcome.FINISHED) == 1


async def test_the_ends_are_spread_over_time(start_front: StartFront) -> None:
    """Of many sessions each has its own moment, and the others go on until theirs."""
    count = 20
    front, _ = await start_front([agreeing(_wait)])
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(front.client()) for _ in range(count)]
        for client in clients:
            await open_tunnel(client)
        began = front.door.loop.time()
        wind_up(front.door, long_lived, 0.4)
        left = {count}
        sessions = [asyncio.create_task(_closed_at(client)) for client in clients]
        while any(not session.done() for session in sessions):
            left.add(sum(not session.done() for session in sessions))
            await asyncio.sleep(0.001)
        moments = sorted([await session for session in sessions])
    assert len(left) > 3, "they ended at the same moment"
    assert all(early < late for early, late in itertools.pairwise(moments))
    assert moments[-1] - began > 0.3
    await front.until(lambda: front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_PROXY) == count)


async def test_what_ends_by_itself_before_its_turn_is_left_alone(start_front: StartFront) -> None:
    """The next request on the same connection is none of the order's business."""
    first = asyncio.Event()

    async def two(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + CHUNKED + b"\r\n" + EVENT)
        await first.wait()
        await peer.send(END)
        await streaming(CHUNKED, EVENT)(peer)

    front, _ = await start_front([two, two, streaming(CHUNKED, EVENT)])
    async with front.client() as one, front.client() as other:
        for client in (one, other):
            client.send(GET)
            await client.reader.readuntil(EVENT)
        wind_up(front.door, long_lived, 0.4)
        await front.until(lambda: front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_PROXY) == 1)
        first.set()
        for client in (one, other):
            client.send(GET)
            await client.reader.readuntil(END)
            await client.reader.readuntil(EVENT)
        await asyncio.sleep(0.3)
        assert front.count(Series.TUNNELS, *BLUE) == 2
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_PROXY) == 1
    assert front.count(Series.ENDED, *BLUE, Outcome.FINISHED) == 1


async def test_a_stop_says_goodbye_before_its_grace_is_over(start_front: StartFront) -> None:
    """WebSockets and event streams have half of it; then they end in order, and nothing is left to be cut."""
    front, _ = await start_front([agreeing(_wait), streaming(CHUNKED, EVENT)])
    async with front.client() as session, front.client() as follower:
        await open_tunnel(session)
        follower.send(GET)
        await follower.reader.readuntil(EVENT)
        stop = asyncio.create_task(stop_gracefully(front.door, front.listening, 2.0))
        await front.until(lambda: front.door.stopping)
        await asyncio.sleep(0.2)
        assert front.count(Series.TUNNELS, *BLUE) == 2
        assert await session.reader.readexactly(4) == GOING_AWAY.serialize(mask=False)
        session.send(GOING_AWAY.serialize(mask=True))
        assert await follower.reader.readexactly(len(END)) == END
        assert await follower.rest() == b""
        session.writer.write_eof()
        assert await session.rest() == b""
        assert await stop == 0
    assert quiet(front)
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_PROXY) == 2
    assert front.count(Series.DROPPED, *BLUE, "shutdown") == 2


async def _closed_at(client: Client) -> float:
    """When the close frame came."""
    assert await client.reader.readexactly(4) == GOING_AWAY.serialize(mask=False)
    client.writer.close()
    return asyncio.get_running_loop().time()


async def _wait(peer: Peer) -> None:
    await peer.reader.read()
