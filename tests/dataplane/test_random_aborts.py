"""Whatever clients and upstreams do to each other, everything that was counted in is counted out, once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace
from typing import Any

import pytest

from proxy.shm.names import Series
from proxy.traffic.spec import DoorSpec, RetryRule, Timeouts
from tests.dataplane.conftest import BLUE, GET, POST, SERVICE, Front, StartFront, entry, quiet
from tests.harness import faults
from tests.harness.faults import Behaviour, Peer
from tests.harness.upstream import abort

_LEFT = (OSError, RuntimeError, AttributeError, asyncio.LimitOverrunError, asyncio.IncompleteReadError)
"""What happens to a server whose client leaves."""

CHUNKED = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
LARGE = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + bytes(300_000)
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nearly"
REQUESTS = (GET, GET * 3, POST, CHUNKED, LARGE, UPGRADE, GET.replace(b"1.1", b"1.0"), b"nonsense\r\n\r\n", GET[:20])


async def switch(peer: Peer) -> None:
    """Agree to another protocol and echo."""
    await peer.head()
    await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
    while data := await peer.reader.read(65536):
        await peer.send(data)


async def much(peer: Peer) -> None:
    """More than a client that leaves can take."""
    await peer.head()
    await peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(1_000_000))


BEHAVIOURS: tuple[Behaviour, ...] = (
    faults.answer,
    faults.answer,
    switch,
    much,
    faults.close_at_once,
    faults.reset_at_once,
    faults.close_before_head,
    faults.reset_before_head,
    faults.reset_in_head,
    faults.reset_in_body,
    faults.reset_after_answer,
    faults.truncate,
    faults.truncate_chunks,
    faults.garbage,
    faults.surplus,
    faults.early_answer,
    faults.close_when_reused,
    faults.reset_when_reused,
    faults.hang_after_request,
    faults.slow_head(0.001),
)


def calm(behaviour: Behaviour) -> Behaviour:
    """The same, but an end of it that the other side has brought about is no error."""

    async def behave(peer: Peer) -> None:
        with contextlib.suppress(*_LEFT):
            await behaviour(peer)

    return behave


async def one_client(front: Front, chance: random.Random) -> None:
    """Send something, read a little, and leave in one of three ways."""
    reader, writer = await asyncio.open_connection(*front.address)
    with contextlib.suppress(OSError, RuntimeError):  # the latter is uvloop's word for a connection that is gone
        for _ in range(chance.randint(1, 4)):
            request = chance.choice(REQUESTS)
            writer.write(request[: chance.choice((len(request), len(request), chance.randint(1, len(request))))])
            await asyncio.sleep(chance.choice((0, 0, 0.002, 0.02)))
            if chance.random() < 0.6:
                await asyncio.wait_for(reader.read(chance.choice((1, 1000, 100_000))), 0.05)
    match chance.randrange(3):
        case 0:
            abort(writer.transport)
        case 1:
            writer.close()
        case _:
            with contextlib.suppress(OSError, RuntimeError):
                writer.write_eof()
                await asyncio.wait_for(reader.read(), 0.05)
            abort(writer.transport)


@pytest.mark.parametrize("seed", range(3))
async def test_every_counter_is_back_at_zero_after_random_aborts(start_front: StartFront, seed: int) -> None:
    """No lease, connection, task or descriptor is left over; what was admitted has ended, each exactly once."""
    chance = random.Random(seed)
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    scripts = [[calm(chance.choice(BEHAVIOURS)) for _ in range(300)] for _ in range(3)]
    door = DoorSpec(timeouts=Timeouts(head=0.5, idle=0.5, connect=0.5, response=0.3, stall=0.3))
    service = replace(SERVICE, retry=RetryRule(attempts=3, budget=1.0))
    front, servers = await start_front(*scripts, door=door, service=service)
    for _ in range(20):
        await asyncio.gather(*(one_client(front, chance) for _ in range(15)))
        front.publish(replace(service, blue=tuple(map(entry, chance.sample(servers, 2)))))
    await front.until(lambda: quiet(front) and not front.door.connections)
    assert front.count(Series.OPEN_CONNECTIONS) == 0
    assert front.count(Series.ADMITTED, *BLUE) > 100
    for server in servers:
        assert front.count(Series.UPSTREAM_IN_FLIGHT, *BLUE, entry(server).address) == 0
    assert all(upstream.in_flight == 0 for upstream in front.door.routing.upstreams())
    front.publish(service)
    front.door.refresh()  # no upstream is left, so no connection to one may be
    await front.until(lambda: not any("_connect" in repr(task) for task in asyncio.all_tasks()))
    assert errors == []
