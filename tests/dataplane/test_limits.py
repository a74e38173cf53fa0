"""How many clients may be here at once, in all and from one address."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from proxy.shm.names import PauseReason, Series
from proxy.traffic.spec import DoorSpec, Limits
from tests.dataplane.conftest import GET, SERVICE, Client, Front, StartFront, entry
from tests.harness import faults

PAUSED = (Series.ACCEPT_PAUSED, PauseReason.CONNECTIONS)
TIMES_PAUSED = (Series.ACCEPT_PAUSES, PauseReason.CONNECTIONS)
TURNED_AWAY = (Series.REJECTED, "too_many_connections")


def at_most(connections: int | None = None, *, per_address: int | None = None) -> DoorSpec:
    """Limits for connections."""
    return DoorSpec(limits=Limits(max_connections=connections, max_connections_per_address=per_address))


@asynccontextmanager
async def guests(front: Front, count: int) -> AsyncIterator[list[Client]]:
    """Clients that have each been answered once and stay."""
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(count):
            client = await stack.enter_async_context(front.client())
            client.send(GET)
            assert (await client.head()).startswith(b"HTTP/1.1 200 ")
            await client.reader.readexactly(5)
            clients.append(client)
        yield clients


async def test_newcomers_wait_while_the_house_is_full(start_front: StartFront) -> None:
    """Nobody is refused: who comes too many waits in the kernel's queue, and is served once another has left."""
    front, _ = await start_front([faults.answer], door=at_most(3))
    async with guests(front, 2) as (leaver, _), guests(front, 1) as (stayer,), front.client() as late:
        await front.until(lambda: front.count(*PAUSED) == 1)
        late.send(GET)
        stayer.send(GET)
        await stayer.answer(5)
        assert len(front.door.connections) == 3
        leaver.writer.close()
        assert (await late.head()).startswith(b"HTTP/1.1 200 ")
        assert len(front.door.connections) == 3
    await front.until(lambda: front.count(*PAUSED) == 0 and not front.door.connections)
    assert front.count(*TIMES_PAUSED) == 2
    assert front.count(Series.CONNECTIONS) == 4


async def test_a_flood_gets_no_further_than_the_limit(start_front: StartFront) -> None:
    """Of hundreds that come at once not one more is accepted, and all of them are served in the end."""
    front, _ = await start_front([faults.answer], door=at_most(16))
    most = 0

    async def visit() -> None:
        nonlocal most
        async with guests(front, 1):
            most = max(most, len(front.door.connections))

    await asyncio.gather(*(visit() for _ in range(300)))
    assert most <= 16
    assert front.count(Series.CONNECTIONS) == 300


async def test_a_new_limit_holds_at_once(start_front: StartFront) -> None:
    """A lower one sends nobody away who is here; a higher one lets those in who wait."""
    front, (server,) = await start_front([faults.answer], door=at_most(8))
    service = replace(SERVICE, blue=(entry(server),))
    async with guests(front, 4), front.client() as late:
        late.send(GET)
        assert (await late.head()).startswith(b"HTTP/1.1 200 ")
        front.publish(service, door=replace(front.spec, limits=Limits(max_connections=2)))
        front.door.refresh()
        await front.until(lambda: front.count(*PAUSED) == 1)
        assert len(front.door.connections) == 5
        async with front.client() as later:
            later.send(GET)
            front.publish(service, door=replace(front.spec, limits=Limits(max_connections=None)))
            front.door.refresh()
            assert (await later.head()).startswith(b"HTTP/1.1 200 ")
    assert front.count(*PAUSED) == 0


async def test_a_worker_with_no_share_accepts_nobody(start_front: StartFront) -> None:
    """Where there are more workers than clients may be, some have none; they stop and start in order all the same."""
    front, _ = await start_front([faults.answer], door=at_most(0))
    assert front.count(*PAUSED) == 1
    async with front.client() as client:
        client.send(GET)
        front.listening.stop()
    assert front.count(Series.CONNECTIONS) <= 1


async def test_an_address_with_too_many_connections_is_told_so(start_front: StartFront) -> None:
    """The one too many gets 503 whether or not it has asked yet, the others go on, and who leaves makes room."""
    front, _ = await start_front([faults.answer], door=at_most(per_address=2))
    async with guests(front, 2) as (first, second):
        for asks in (GET, b""):
            async with front.client() as third:
                third.send(asks)
                answer = await third.rest()
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert b"\r\nRetry-After: 1\r\n" in answer
                assert b"\r\nConnection: close\r\n" in answer
        first.send(GET)
        await first.answer(5)
        second.writer.close()
        await front.until(lambda: len(front.door.connections) == 1)
        async with guests(front, 1):
            pass
    assert front.count(*TURNED_AWAY) == 2
    await front.until(lambda: front.count(Series.OPEN_CONNECTIONS) == 0)
    assert [line["status"] for line in await front.log(6)].count(503) == 2


async def test_a_trusted_proxy_may_have_any_number(start_front: StartFront) -> None:
    """Behind its one address are many clients."""
    door = replace(at_most(per_address=1), trusted_proxies=("127.0.0.0/8",))
    front, _ = await start_front([faults.answer], door=door)
    async with guests(front, 5):
        assert front.count(*TURNED_AWAY) == 0


async def test_whoever_was_turned_away_leaves_no_count_behind(start_front: StartFront) -> None:
    """After any number of refusals an address may have what it may have."""
    front, _ = await start_front([faults.answer], door=at_most(per_address=1))
    async with guests(front, 1):
        for _ in range(20):
            with contextlib.suppress(ConnectionError):
                async with front.client() as client:
                    await client.rest()
    await front.until(lambda: not front.door.connections)
    async with guests(front, 1):
        pass
