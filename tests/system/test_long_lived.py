"""WebSockets and event streams through a switch, and through the end of the program."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.harness.client import Address
from tests.harness.fleet import Fleet
from tests.harness.program import SERVICE, Program

SESSIONS, STREAMS = 200, 50
TICK = 0.01
"""Seconds; what ends within the same tick is taken to have ended at the same moment."""


@pytest.fixture
def program(tmp_path: Path, fleet: Fleet) -> Iterator[Program]:
    """A front door that lets long-lived connections be for a few seconds only."""
    program = Program(tmp_path, fleet, grace="6s")
    program.service_config["drain"] = {"timeout": "1s", "long_lived_timeout": "5s"}
    program.write_config()
    with program:
        program.wait_healthy()
        yield program


class Follower:
    """A client of server-sent events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, address: Address) -> Self:
        """Connect, ask, and wait for the first event."""
        follower = cls(*await asyncio.open_connection(*address))
        follower.writer.write(b"GET /events?count=1000000&ms=200 HTTP/1.1\r\nHost: a\r\n\r\n")
        await follower.reader.readuntil(b"data: 0\n\n")
        return follower

    async def ended(self) -> float:
        """When the stream ended. Raises if it was cut instead."""
        await self.reader.readuntil(b"\r\n0\r\n\r\n")
        return time.monotonic()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()


async def closed(session: ClientConnection) -> tuple[float, int, bool]:
    """When a session was closed, with which code, and whether by a whole closing handshake."""
    try:
        async for _ in session:
            pass
    except ConnectionClosed:
        pass
    moment = time.monotonic()
    await session.wait_closed()
    return moment, session.close_code or 0, session.protocol.close_rcvd_then_sent is True


async def opened(program: Program, stack: AsyncExitStack) -> tuple[list[ClientConnection], list[Follower]]:
    """All of them, each at work."""
    url = f"ws://{program.door[0]}:{program.door[1]}/ws"
    sessions = [await stack.enter_async_context(connect(url, ping_interval=None)) for _ in range(SESSIONS)]
    followers = [await stack.enter_async_context(await Follower.open(program.door)) for _ in range(STREAMS)]
    for session in sessions:
        assert await session.recv() == "blue"
    return sessions, followers


async def all_ended(sessions: list[ClientConnection], followers: list[Follower]) -> list[float]:
    """The moments of all ends, every one of them as it should be."""
    closings = await asyncio.gather(*(closed(session) for session in sessions))
    moments = await asyncio.gather(*(follower.ended() for follower in followers))
    assert {(code, in_order) for _, code, in_order in closings} == {(1001, True)}
    return [*moments, *(moment for moment, _, _ in closings)]


async def admin(program: Program, path: str) -> Any:
    """What the admin API says."""
    reply = await asyncio.to_thread(program.admin, "GET", path)
    assert reply.status == 200, reply
    return reply.body


@pytest.mark.system
@pytest.mark.paced
async def test_a_switch_ends_them_in_order_and_not_all_at_once(program: Program) -> None:
    """They stay where they began until their deadline; then each ends as its protocol has it, none by a reset."""
    everything = SESSIONS + STREAMS
    async with AsyncExitStack() as stack:
        sessions, followers = await opened(program, stack)
        ending = asyncio.create_task(all_ended(sessions, followers))
        switched = (await asyncio.to_thread(program.switch, "green")).body
        await sessions[0].send("still there?")
        pools = (await admin(program, f"/v1/services/{SERVICE}"))["pools"]
        assert [pools[color]["in_flight"]["tunnels"] for color in ("blue", "green")] == [everything, 0]
        progress = (await admin(program, f"/v1/operations/{switched['id']}"))["progress"]
        assert (progress["phase"], progress["tunnels"]) == ("draining", everything)
        assert progress["tunnels_deadline_at"] == pytest.approx(switched["receipt"]["applied_at"] + 5)
        assert not ending.done()
        moments = await ending
        operation = await admin(program, f"/v1/operations/{switched['id']}?wait=20s")
    print(f"{everything} ended in {len({moment // TICK for moment in moments})} different ticks of {TICK} s")
    assert len({moment // TICK for moment in moments}) > 10
    receipt = operation["receipt"]
    assert operation["state"] == "succeeded"
    assert (receipt["in_flight_at_flip"], receipt["cut_by_proxy"]) == (everything, everything), receipt
    assert (receipt["failed"], receipt["dropped"], receipt["cut_by_client"]) == (0, 0, 0), receipt


@pytest.mark.system
@pytest.mark.paced
async def test_a_stop_ends_them_in_order(program: Program) -> None:
    """Before its grace is over the program says goodbye to all of them, and has nothing left to cut."""
    async with AsyncExitStack() as stack:
        sessions, followers = await opened(program, stack)
        ending = asyncio.create_task(all_ended(sessions, followers))
        program.send_signal(signal.SIGTERM)
        moments = await ending
        assert len({moment // TICK for moment in moments}) > 10
    assert await asyncio.to_thread(program.process.wait, 10) == 0
