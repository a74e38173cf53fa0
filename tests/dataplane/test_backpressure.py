"""Nobody is sent more than they take: memory stays bounded whichever side is slow, and all goes on afterwards."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from proxy.dataplane.downstream import ClientConnection
from proxy.net.poller import Poller
from proxy.shm.names import Outcome, Series
from proxy.traffic.spec import DoorSpec, Timeouts
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.pool import IdlePool
from tests.dataplane.conftest import BLUE, GET, SERVICE, Front, StartFront, quiet
from tests.harness import faults
from tests.harness.faults import Behaviour, Peer
from tests.harness.upstream import abort

MIB = 1024 * 1024
BOUND = MIB
"""More than the transports' buffers, far less than what is sent."""


def large(size: int) -> Behaviour:
    """Answers of so many bytes, to any number of requests."""

    async def behave(peer: Peer) -> None:
        while True:
            await peer.head()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(size // MIB):
                await peer.send(bytes(MIB))

    return behave


def waiting(front: Front) -> int:
    """Bytes that wait in this process for clients and upstreams."""
    total = 0
    for connection in front.door.connections:
        total += connection.stream.waiting
        assert isinstance(connection, ClientConnection)
        upstream = getattr(getattr(connection.occupant, "_attempts", None), "upstream", None)
        total += upstream.stream.waiting if upstream is not None else 0
    return total


async def settle(front: Front) -> None:
    """Wait until no more bytes pile up."""
    before = -1
    while before != (before := waiting(front)):  # noqa: ASYNC110 - that nothing happens raises no event
        await asyncio.sleep(0.05)


def slow_client(front: Front) -> socket.socket:
    """A client with a small window, that reads only when it is told to."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.connect(front.address)
    client.setblocking(False)
    return client


async def take(client: socket.socket, size: int) -> None:
    """Read so many bytes."""
    loop = asyncio.get_running_loop()
    while size > 0:
        data = await loop.sock_recv(client, min(size, MIB))
        assert data
        size -= len(data)


async def test_a_slow_reader_holds_the_upstream_back_and_gets_everything(start_front: StartFront) -> None:
    """Of a huge body only a little waits here, and the connection to the upstream serves again afterwards."""
    front, (server,) = await start_front([large(64 * MIB)])
    with slow_client(front) as client:
        client.send(GET)
        await front.until(lambda: waiting(front) > 0)
        await settle(front)
        assert waiting(front) < BOUND
        await take(client, 64 * MIB)
        client.send(GET)
        await take(client, 64 * MIB)
    assert server.connections == 1
    await front.until(lambda: quiet(front))


async def test_pipelined_requests_wait_until_the_answers_are_taken(start_front: StartFront) -> None:
    """A client that asks for a lot and reads nothing does not have all of it fetched."""
    front, (server,) = await start_front([large(2 * MIB)])
    with slow_client(front) as client:
        client.send(GET * 50)
        await front.until(lambda: waiting(front) > 0)
        await settle(front)
        assert waiting(front) < BOUND
        assert len(server.heads) < 10
        await take(client, 50 * 2 * MIB)
        await front.until(lambda: len(server.heads) == 50 and quiet(front))


async def test_refusals_wait_until_they_are_taken(start_front: StartFront) -> None:
    """Answers of our own do not pile up either."""
    front, _ = await start_front([faults.answer], service=replace(SERVICE, hosts=("b",)))
    with slow_client(front) as client:
        loop = asyncio.get_running_loop()
        sending = asyncio.create_task(loop.sock_sendall(client, GET * 200_000))
        await front.until(lambda: waiting(front) > 0)
        await settle(front)
        assert waiting(front) < BOUND
        sending.cancel()


async def test_a_slow_upstream_holds_the_uploader_back(start_front: StartFront) -> None:
    """Of a huge upload only a little waits here, and all of it arrives."""
    go_on = asyncio.Event()
    size = 64 * MIB

    async def slow(peer: Peer) -> None:
        await peer.head()
        await go_on.wait()
        left = size
        while left:
            left -= len(await peer.reader.read(min(left, MIB)))
        await peer.send(faults.GOOD_HEAD + faults.GOOD_BODY)
        await faults.answer(peer)

    front, (server,) = await start_front([slow])
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        client.send(bytes(size))
        await front.until(lambda: waiting(front) > 0)
        await settle(front)
        assert waiting(front) < BOUND
        go_on.set()
        await client.answer(5)
        client.send(GET)
        await client.answer(5)
    assert server.connections == 1


async def test_a_body_that_was_kept_while_connecting_is_held_back_too(
    start_front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first write to an upstream may fill it at once: the client is not read on regardless."""
    connect = IdlePool.connect

    async def connect_narrowly(pool: IdlePool, poller: Poller, timeout: float) -> UpstreamConnection:
        await front.until(lambda: all(c.stream._paused for c in front.door.connections))  # much is kept by now
        connection = await connect(pool, poller, timeout)
        connection.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return connection

    monkeypatch.setattr(IdlePool, "connect", connect_narrowly)
    front, _ = await start_front([faults.hang_after_request])
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (64 * MIB) + bytes(64 * MIB))
        await front.until(lambda: waiting(front) > 0)
        await settle(front)
        assert waiting(front) < BOUND
        abort(client.writer.transport)


async def held_up(front: Front) -> socket.socket:
    """A client for whom some of its answer waits, though all of it has come from upstream."""
    while True:
        client = slow_client(front)
        await front.until(lambda: bool(front.door.connections))
        (connection,) = front.door.connections
        connection.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        client.send(GET)
        await take(client, 1)
        while not quiet(front):
            await take(client, 4096)
        if waiting(front) > 0:
            return client
        client.close()  # what came last was so little that the kernel took it at once: try again
        await front.until(lambda: not front.door.connections)


async def test_a_connection_paused_by_a_slow_client_is_not_paused_for_the_next(start_front: StartFront) -> None:
    """What one client did not take must not keep the upstream's connection silent for another."""
    size = 4 * MIB
    front, (server,) = await start_front([large(size)])
    with await held_up(front):
        async with front.client() as other:
            for _ in range(2):
                other.send(GET)
                await other.answer(size)
    assert server.connections == 1


async def test_an_upload_is_read_on_after_a_retry(start_front: StartFront) -> None:
    """A client that was held back for the first upstream is not held back for the second."""

    async def refuse(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    async def read_all(peer: Peer) -> None:
        await peer.head()
        await peer.reader.readexactly(60_000)
        await peer.send(faults.GOOD_HEAD + faults.GOOD_BODY)

    front, _ = await start_front([refuse], [read_all])
    async with front.client() as client:
        for _ in range(4):
            client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + bytes(30_000))
            await asyncio.sleep(0.01)
            client.send(bytes(30_000))
            await client.answer(5)
    assert quiet(front)


async def test_a_client_that_takes_nothing_is_cut_after_the_stall_time(start_front: StartFront) -> None:
    """It is the client's fault, and it is reset so that it does not take what it has for everything."""
    front, _ = await start_front([large(64 * MIB)], door=DoorSpec(timeouts=Timeouts(stall=0.3)))
    with slow_client(front) as client:
        client.send(GET)
        await front.until(lambda: front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_CLIENT) == 1)
        with pytest.raises(ConnectionResetError):
            await take(client, 64 * MIB)
    await front.until(lambda: not front.door.connections)


async def test_a_client_that_does_not_take_its_last_answer_is_cut_too(start_front: StartFront) -> None:
    """Nor does a connection stay for ever whose request is over, but whose answer nobody reads."""
    front, _ = await start_front([large(8 * MIB)], door=DoorSpec(timeouts=Timeouts(stall=0.3)))
    with slow_client(front) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await front.until(lambda: bool(front.door.connections))
        await front.until(lambda: not front.door.connections)


async def test_an_upstream_that_takes_nothing_is_given_up_after_the_stall_time(start_front: StartFront) -> None:
    """The client gets 504, although it still had something to send."""
    front, _ = await start_front([faults.hang_after_request], door=DoorSpec(timeouts=Timeouts(stall=0.3)))
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (64 * MIB) + bytes(64 * MIB))
        assert (await client.head()).startswith(b"HTTP/1.1 504 ")
        abort(client.writer.transport)
    assert front.count(Series.ENDED, *BLUE, Outcome.FAILED) == 1


async def test_an_event_stream_has_no_deadline_after_a_pause(start_front: StartFront) -> None:
    """A client that was slow once may wait for the next event for as long as it likes."""
    go_on = asyncio.Event()

    async def events(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % (9 * MIB))
        await peer.send(bytes(8 * MIB))
        await go_on.wait()
        await peer.send(bytes(MIB))

    front, _ = await start_front([events], door=DoorSpec(timeouts=Timeouts(stall=0.2, response=0.2)))
    with slow_client(front) as client:
        client.send(GET)
        await front.until(lambda: waiting(front) > 0)
        await take(client, 8 * MIB)
        await front.until(lambda: waiting(front) == 0)
        await asyncio.sleep(0.5)
        go_on.set()
        await take(client, MIB)
