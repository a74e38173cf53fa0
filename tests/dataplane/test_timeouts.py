"""Each timeout of the config ends what it is for, with its own status or close, and blames whose turn it was."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from proxy.shm.names import Outcome, Series
from proxy.traffic.spec import DoorSpec, Timeouts
from proxy.traffic.table import TableUpstream
from tests.dataplane.conftest import BLUE, GET, SERVICE, StartFront, quiet
from tests.harness import faults
from tests.harness.faults import Peer
from tests.harness.upstream import abort

SHORT = 0.2
UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"


def impatient(**timeouts: float) -> DoorSpec:
    """All timeouts are long but these."""
    return DoorSpec(timeouts=replace(Timeouts(), **timeouts))


async def test_a_head_of_an_answer_has_one_time_limit(start_front: StartFront) -> None:
    """An upstream cannot buy time by sending its head byte by byte."""
    front, _ = await start_front([faults.slow_head(0.1)], door=impatient(response=0.5))
    async with front.client() as client:
        client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 504 ")


async def test_an_upstream_that_sends_no_100_is_to_blame(start_front: StartFront) -> None:
    """A client that was told to wait with its body has not stalled."""
    front, _ = await start_front([faults.hang_after_request], door=impatient(response=SHORT))
    async with front.client() as client:
        client.send(UPLOAD)
        assert (await client.head()).startswith(b"HTTP/1.1 504 ")
    assert front.count(Series.ENDED, *BLUE, Outcome.FAILED) == 1


async def test_a_client_that_sends_nothing_after_the_100_is_to_blame(start_front: StartFront) -> None:
    """From the 100 on it is the client's turn."""
    front, _ = await start_front([faults.raw(b"HTTP/1.1 100 Continue\r\n\r\n")], door=impatient(stall=SHORT))
    async with front.client() as client:
        client.send(UPLOAD)
        assert (await client.head()).startswith(b"HTTP/1.1 100 ")
        assert (await client.head()).startswith(b"HTTP/1.1 408 ")
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_CLIENT) == 1


async def test_a_client_that_stops_sending_under_an_answer_is_to_blame(start_front: StartFront) -> None:
    """Nobody can have an upstream ejected by leaving uploads unfinished."""

    async def answer_while_reading(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
        await peer.reader.read()

    front, _ = await start_front([answer_while_reading], door=impatient(stall=SHORT))
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello")
        with pytest.raises(ConnectionResetError):
            await client.rest()
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_CLIENT) == 1
    assert front.suspects == []


async def test_an_answer_that_stalls_is_reset(start_front: StartFront) -> None:
    """The upstream is to blame, and the client can see that there should have been more."""
    front, _ = await start_front([faults.raw(b"HTTP/1.1 200 OK\r\n\r\nhello")], door=impatient(stall=SHORT))
    async with front.client() as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await client.rest()
    assert front.count(Series.ENDED, *BLUE, Outcome.FAILED) == 1


async def test_a_silent_new_client_is_closed_without_a_word(start_front: StartFront) -> None:
    """Who asks nothing is answered nothing."""
    front, _ = await start_front([faults.answer], door=impatient(head=SHORT))
    async with front.client() as client:
        assert await client.rest() == b""


async def test_the_head_of_the_next_request_has_its_own_time(start_front: StartFront) -> None:
    """However long a connection may be idle, a head that has begun has to end."""
    front, _ = await start_front([faults.answer], door=impatient(head=SHORT))
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
        for byte in GET[:20]:
            client.send(bytes([byte]))
            await asyncio.sleep(0.02)
        assert (await client.head()).startswith(b"HTTP/1.1 408 ")


def blackhole() -> tuple[socket.socket, list[socket.socket]]:
    """A listener whose queue is full, so that connecting to it neither succeeds nor fails; and what fills it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    return listener, fillers


async def test_a_connection_that_cannot_be_made_is_504_in_time(start_front: StartFront) -> None:
    """timeouts.connect, not the kernel's minutes."""
    listener, fillers = blackhole()
    front, _ = await start_front([faults.answer], door=impatient(connect=SHORT))
    front.publish(replace(SERVICE, blue=(TableUpstream("{}:{}".format(*listener.getsockname()), 1),)))
    async with front.client() as client:
        client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 504 ")
    for sock in (listener, *fillers):
        sock.close()


async def test_a_client_that_leaves_while_connecting_leaves_nothing_behind(start_front: StartFront) -> None:
    """The attempt is given up with its request."""
    listener, fillers = blackhole()
    front, _ = await start_front([faults.answer])
    front.publish(replace(SERVICE, blue=(TableUpstream("{}:{}".format(*listener.getsockname()), 1),)))
    async with front.client() as client:
        client.send(GET)
        await front.until(lambda: front.count(Series.IN_FLIGHT, *BLUE) == 1)
        abort(client.writer.transport)
        await front.until(lambda: quiet(front))
    await front.until(
        lambda: len(asyncio.all_tasks()) == 1 + sum("FaultServer" in repr(t) for t in asyncio.all_tasks())
    )
    for sock in (listener, *fillers):
        sock.close()
