"""However many listen to events, and however badly, the control plane and the traffic do not notice."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from tests.harness.fleet import Fleet
from tests.harness.load import Load
from tests.harness.mix import NOBODY
from tests.harness.processes import wait_until
from tests.harness.program import Program, Reply

pytestmark = pytest.mark.system

LISTENERS = 100
SWITCHES = 10
ASK = b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def listen(stack: AsyncExitStack, program: Program) -> asyncio.StreamReader:
    """An open event stream, past its first comment."""
    reader, writer = await asyncio.open_connection(*program.admin_address)
    stack.callback(writer.close)
    writer.write(ASK)
    await reader.readuntil(b"front door\n\n")
    return reader


async def hear(stream: asyncio.StreamReader, ended: int) -> list[str]:
    """The ids of all events until so many operations have ended."""
    ids = []
    while ended:
        line = (await stream.readuntil(b"\n")).decode()
        if line.startswith("id: "):
            ids.append(line.split()[1])
        ended -= line == "event: operation_ended\n"
    return ids


async def switch_to_and_fro(program: Program) -> list[Reply]:
    """Switch all traffic so often, each time waiting for the drain; what the probe said in between."""
    probes = []
    for number in range(SWITCHES):
        color = "green" if number % 2 == 0 else "blue"
        await asyncio.to_thread(program.switch, color, query="?wait=drained")
        probes.append(await asyncio.to_thread(program.admin, "GET", "/livez"))
    return probes


def is_healthy(program: Program, address: str) -> bool:
    """Whether the health checks find the upstream good."""
    pools = program.service()["pools"].values()
    return [each["health"] for pool in pools for each in pool["upstreams"] if each["address"] == address] == ["healthy"]


async def test_a_hundred_streams_and_a_stalled_one_disturb_nothing(program: Program, fleet: Fleet) -> None:
    """Each hears every event, nobody waits for the one that reads nothing, health checks go on, no request is lost."""
    with (
        Load(program.door, replace(NOBODY, keep_alive=4, one_shot=2), color="blue") as load,
        socket.socket() as stalled,
    ):
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(program.admin_address)
        stalled.sendall(ASK)
        async with AsyncExitStack() as stack:
            streams = [await listen(stack, program) for _ in range(LISTENERS)]
            hearing = asyncio.gather(*(hear(stream, SWITCHES) for stream in streams))
            probes = await switch_to_and_fro(program)
            heard = await hearing
            await asyncio.to_thread(fleet.green[0].set_health, False)
            sick = fleet.green[0].address
            await asyncio.to_thread(
                wait_until, lambda: not is_healthy(program, sick), timeout=10, what="a failed check"
            )
        report = load.stop()
    assert [probe.status for probe in probes] == [200] * SWITCHES
    assert len(heard[0]) >= 3 * SWITCHES  # changed, applied, ended
    assert all(ids == heard[0] for ids in heard)
    assert not report.failed
