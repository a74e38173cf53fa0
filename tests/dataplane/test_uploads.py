"""Bodies of requests: answered early, waited for in vain, too slow, or sent a second time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from proxy.dataplane import pace
from proxy.dataplane.upload import MAX_REPLAY
from proxy.shm.names import Outcome, Series
from proxy.traffic.spec import DoorSpec, RetryRule, Timeouts
from tests.dataplane.conftest import BLUE, GET, SERVICE, StartFront, quiet
from tests.harness import faults
from tests.harness.faults import GOOD_BODY, GOOD_HEAD, Peer

EXPECTING = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"


async def test_an_early_answer_stops_the_upload(start_front: StartFront) -> None:
    """The client reads the refusal though it was still sending, its connection ends in order, and so does the other."""
    front, (server,) = await start_front([faults.early_answer])
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 200_000)
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 413 ")
        assert b"Connection: close" in head
        await front.until(lambda: server.open == 0)
        client.send(b"x" * 200_000)
        assert await client.rest() == b""
    assert front.count(Series.ENDED, *BLUE, Outcome.FINISHED) == 1


async def test_an_early_answer_may_be_long_and_the_upload_goes_on_meanwhile(start_front: StartFront) -> None:
    """An upstream that answers while it reads is no fault: both go on to their ends."""

    async def converse(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(2):
            await peer.send(await peer.reader.readexactly(5))

    front, _ = await start_front([converse])
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        assert (await client.answer(5))[1] == b"hello"
        client.send(b"world")
        assert await client.rest() == b"world"


async def test_a_final_answer_in_place_of_100_ends_both_connections(start_front: StartFront) -> None:
    """The body that the client sends all the same is neither sent on nor taken for a request (RFC 9110 10.1.1)."""
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    front, (server,) = await start_front([faults.raw(refusal), faults.answer])
    async with front.client() as client:
        client.send(EXPECTING)
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 401 ")
        assert b"Connection: close" in head
        client.send(b"hello" + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await client.rest() == b""
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
    assert [head.split()[1] for head in server.heads] == [b"/", b"/"]
    assert server.connections == 2


async def test_a_client_need_not_wait_for_100(start_front: StartFront) -> None:
    """It may send its body when it likes, and an upstream need not say 100 before it answers."""

    async def mute(peer: Peer) -> None:
        await peer.head()
        assert await peer.reader.readexactly(5) == b"hello"
        await peer.send(GOOD_HEAD + GOOD_BODY)

    front, _ = await start_front([mute])
    async with front.client() as client:
        client.send(EXPECTING)
        await front.until(lambda: front.count(Series.IN_FLIGHT, *BLUE) == 1)
        client.send(b"hello")
        assert (await client.head()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 1"])
async def test_a_100_that_never_comes_is_the_upstreams_fault(start_front: StartFront, said: bytes) -> None:
    """Whatever else it has said: 504, and nobody says that the client has stalled."""
    front, _ = await start_front([faults.raw(said)], door=DoorSpec(timeouts=Timeouts(response=0.3)))
    async with front.client() as client:
        client.send(EXPECTING)
        while (head := await client.head()).startswith(b"HTTP/1.1 103 "):
            pass
        assert head.startswith(b"HTTP/1.1 504 ")
    assert front.count(Series.REJECTED, "response_timeout") == 1


async def test_a_body_in_drops_is_ended(start_front: StartFront, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never silent for as long as timeouts.stall, and too slow all the same: 408, and the upstream is not blamed."""
    monkeypatch.setattr(pace, "GRACE", 0.2)
    front, _ = await start_front([faults.hang_after_request])
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        answered = asyncio.create_task(client.head())
        while not answered.done():
            client.send(b"x")
            await asyncio.sleep(0.02)
        assert (await answered).startswith(b"HTTP/1.1 408 ")
    assert front.count(Series.REJECTED, "client_stall") == 1
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_CLIENT) == 1
    assert front.suspects == []


async def test_a_body_that_waits_for_the_upstream_is_not_too_slow(
    start_front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time in which nothing was read from the client is not the client's."""
    monkeypatch.setattr(pace, "GRACE", 1.0)
    monkeypatch.setattr(pace, "MIN_RATE", 1_000_000_000)
    size = 32 * 1024 * 1024
    caught_up = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(1.5)
        await peer.reader.readexactly(size)
        caught_up.set()
        await peer.reader.readexactly(1)
        await peer.send(GOOD_HEAD + GOOD_BODY)

    front, _ = await start_front([slow])
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (size + 1) + bytes(size))
        await caught_up.wait()
        await asyncio.sleep(0.3)  # in which the sweeper looks
        client.send(b"!")
        assert (await client.head()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(("size", "repeated"), [(MAX_REPLAY, True), (MAX_REPLAY + 1, False)])
async def test_a_body_that_was_kept_is_sent_again(start_front: StartFront, size: int, repeated: bool) -> None:
    """A PUT of up to 64 KiB is repeated whole on another upstream; of a larger one nothing is."""
    body = bytes(range(256)) * (size // 256) + b"!" * (size % 256)
    got: list[bytes] = []

    async def fail(peer: Peer) -> None:
        await peer.head()
        got.append(await peer.reader.readexactly(size))
        peer.reset()

    service = replace(SERVICE, retry=RetryRule(attempts=2, budget=1.0))
    front, _ = await start_front([fail], [fail], service=service)
    async with front.client() as client:
        client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + body)
        assert (await client.head()).startswith(b"HTTP/1.1 502 ")
    assert got == [body] * (2 if repeated else 1)
    assert quiet(front)
