"""The orderly end of a worker: nothing that was sent to it is lost, and what has to be cut is counted."""

from __future__ import annotations

import asyncio
import socket

from proxy.dataplane.farewell import LINGER
from proxy.dataplane.stopping import stop_gracefully
from proxy.shm.names import Outcome, Series
from proxy.traffic.spec import DoorSpec, Timeouts
from tests.dataplane.conftest import BLUE, GET, POST, Front, StartFront, quiet
from tests.harness import faults
from tests.harness.faults import GOOD_BODY, GOOD_HEAD, Peer
from tests.harness.upstream import abort

LAST_GET = GET.replace(b"Host", b"Connection: close\r\nHost")
"""From a client that expects the close, so that nobody lingers for it."""


def stopping(front: Front, grace: float = 5.0) -> asyncio.Task[int]:
    """The stop, under way."""
    return asyncio.create_task(stop_gracefully(front.door, front.listening, grace))


async def test_the_next_answer_says_close_and_ends_the_connection(start_front: StartFront) -> None:
    """A kept connection is not closed under a client's hands: it is told when it asks next."""
    front, _ = await start_front([faults.answer])
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
        stop = stopping(front)
        await front.until(lambda: front.door.stopping)
        client.send(GET)
        answer = await client.rest()
        assert b"Connection: close" in answer
        assert answer.endswith(GOOD_BODY)
    assert await stop == 0


async def test_what_was_sent_ahead_is_answered_and_only_the_last_says_close(start_front: StartFront) -> None:
    """Pipelined requests that are here already are not thrown away."""
    go_on = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.head()
        await go_on.wait()
        await peer.send(GOOD_HEAD + GOOD_BODY)
        await faults.answer(peer)

    front, (server,) = await start_front([slow])
    async with front.client() as client:
        client.send(GET * 4)
        await front.until(lambda: len(server.heads) == 1)
        stop = stopping(front)
        await front.until(lambda: front.door.stopping)
        go_on.set()
        answer = await client.rest()
    assert answer.count(b"HTTP/1.1 200 ") == 4
    assert answer.count(b"Connection: close") == 1
    assert await stop == 0


async def test_what_is_in_flight_is_finished(start_front: StartFront) -> None:
    """An answer that takes its time is waited for."""
    front, _ = await start_front([faults.slow_head(0.005)])
    async with front.client() as client:
        client.send(GET)
        await front.until(lambda: front.count(Series.IN_FLIGHT, *BLUE) == 1)
        stop = stopping(front)
        assert (await client.rest()).endswith(GOOD_BODY)
    assert await stop == 0
    assert quiet(front)


async def test_an_idle_connection_ends_in_order_and_a_racing_request_sees_no_reset(start_front: StartFront) -> None:
    """A request that crosses the close finds an orderly end: it was not taken up, and its client knows."""
    front, (server,) = await start_front([faults.answer])
    loop = asyncio.get_running_loop()
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
        stop = stopping(front, grace=3.0)
        await front.until(lambda: all(c.deadline <= loop.time() + LINGER for c in front.door.connections))
        client.send(POST)
        assert await client.rest() == b""
    assert await stop == 0
    assert len(server.heads) == 1


async def test_a_request_that_waits_in_the_kernel_is_answered_rather_than_closed(start_front: StartFront) -> None:
    """An idle connection is looked at once more before it is closed."""
    front, _ = await start_front([faults.answer])
    loop = asyncio.get_running_loop()
    with socket.create_connection(front.address) as client:
        client.setblocking(False)
        await loop.sock_sendall(client, GET)
        await front.until(lambda: quiet(front) and front.count(Series.ADMITTED, *BLUE) == 1)
        (connection,) = front.door.connections
        client.send(GET)  # the loop has had no chance to read it when the connection is found idle
        front.door.stopping = True
        connection.close_if_idle(loop.time(), 0.0)
        answer = b""
        while answer.count(GOOD_BODY) < 2:
            answer += await loop.sock_recv(client, 65536)
    assert b"Connection: close" in answer


async def test_what_waits_in_the_queue_is_served(start_front: StartFront) -> None:
    """Connections that the kernel has accepted, and nobody else has, are not reset."""
    patient = DoorSpec(timeouts=Timeouts(connect=30.0))  # they all ask at one instant
    front, _ = await start_front([faults.answer], door=patient)
    clients = []
    for _ in range(300):
        client = socket.create_connection(front.address)
        client.sendall(LAST_GET)
        clients.append(client)
    assert await stop_gracefully(front.door, front.listening, 10.0) == 0  # nothing ran between the two
    for client in clients:
        client.setblocking(True)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        client.close()


async def test_a_connection_just_accepted_is_not_overlooked(start_front: StartFront) -> None:
    """The loop tells of an accepted connection a round later; the worker does not leave before."""
    front, _ = await start_front([faults.answer])
    with socket.create_connection(front.address) as client:
        client.sendall(LAST_GET)
        await asyncio.sleep(0)
        assert await stop_gracefully(front.door, front.listening, 5.0) == 0
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")


async def test_what_is_left_after_the_grace_is_cut_and_counted(start_front: StartFront) -> None:
    """A request that never ends gets 503 and is a dropped one."""
    front, _ = await start_front([faults.hang_after_request])
    async with front.client() as client, front.client() as idle:
        client.send(GET)
        await front.until(lambda: front.count(Series.IN_FLIGHT, *BLUE) == 1)
        assert await stop_gracefully(front.door, front.listening, 0.1) == 1
        assert (await client.head()).startswith(b"HTTP/1.1 503 ")
        assert await idle.rest() == b""
    assert front.count(Series.DROPPED, *BLUE, "shutdown") == 1
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_PROXY) == 1


async def test_an_answer_that_was_not_taken_counts_as_unfinished(start_front: StartFront) -> None:
    """Its request is over, but its client does not have it."""
    size = 16 * 1024 * 1024
    front, _ = await start_front(
        [faults.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))],
        door=DoorSpec(timeouts=Timeouts(stall=30.0)),
    )
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(front.address)
        client.sendall(GET)
        await front.until(lambda: any(c.stream.waiting for c in front.door.connections))
        assert await stop_gracefully(front.door, front.listening, 0.1) == 1


async def test_a_client_that_left_is_not_waited_for(start_front: StartFront) -> None:
    """The stop ends when nobody is there any more."""
    front, _ = await start_front([faults.hang_after_request])
    async with front.client() as client:
        client.send(GET)
        await front.until(lambda: front.count(Series.IN_FLIGHT, *BLUE) == 1)
        stop = stopping(front, grace=60.0)
        abort(client.writer.transport)
        assert await stop == 0
