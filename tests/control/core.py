"""A control core on a real store, a real board and a crew of workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from proxy.control.bell import Bell
from proxy.control.clock import SystemClock
from proxy.control.controller import Controller
from proxy.control.events import Event, Events
from proxy.control.publisher import Publisher
from proxy.control.store.base import StoreUnavailable
from proxy.control.store.recall import recall
from proxy.control.store.sqlite import SqliteStore
from proxy.shm.board import Board
from proxy.traffic.commands import ObserveHealth
from proxy.traffic.document import dump_state
from proxy.traffic.model import Health
from proxy.traffic.spec import Color, DoorSpec, DrainRule, ServiceSpec, UpstreamSpec
from tests.control.crew import Crew
from tests.control.store.entries import entry

SHOP = ServiceSpec("shop", (UpstreamSpec("a:1"), UpstreamSpec("a:2")), (UpstreamSpec("b:1"),))
HASTY = DrainRule(timeout=0.02, long_lived_timeout=0.06)


@dataclass(frozen=True, slots=True)
class Core:
    """All parts of a running control core."""

    controller: Controller
    store: SqliteStore
    publisher: Publisher
    crew: Crew
    events: Events
    path: Path

    async def history(self) -> list[str]:
        """The actions in the journal, newest first."""
        return [entry.action for entry in await self.store.journal()]


@asynccontextmanager
async def running_core(
    path: Path,
    *services: ServiceSpec,
    workers: int = 2,
    healthy: bool = True,
    board_size: int = 64 * 1024,
    alone: Callable[[], bool] = lambda: True,
) -> AsyncIterator[Core]:
    """Start a core on the store at ``path``; with ``healthy`` every upstream has passed its checks."""
    specs = services or (SHOP,)
    clock = SystemClock()
    board = Board.create(board_size)
    crew = Crew(board, size=workers)
    publisher = Publisher(board, crew)
    crew.acknowledged = publisher.acknowledged
    events = Events(clock)
    store = await SqliteStore.open(path, now=clock.wall())
    state = await recall(store, DoorSpec(), specs)
    controller = Controller(
        state,
        store=store,
        publisher=publisher,
        fleet=crew,
        events=events,
        clock=clock,
        retry_after=0.01,
        alone=alone,
    )
    await controller.start()
    crew.look()
    if healthy:
        await heal(controller)
    try:
        yield Core(controller, store, publisher, crew, events, path)
    finally:
        await controller.stop()
        await store.close()
        crew.close()
        board.close()


async def heal(controller: Controller) -> None:
    """Let every upstream pass its checks."""
    for service in controller.state.services.values():
        for color in Color:
            for upstream in service.pool(color):
                await controller.observe(ObserveHealth(service.name, color, upstream.address, Health.HEALTHY))


async def exhaust(core: Core) -> None:
    """Use up what room the log of a store on a full disk still has in itself."""
    with suppress(StoreUnavailable):
        while True:
            await core.store.commit(dump_state(core.controller.state), entry=entry())


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is about to be so."""
    assert await Bell().until(condition, seconds=10, recheck=0.001)


def tasks(name: str) -> list[str]:
    """The names of the tasks under way that begin with ``name``."""
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith(name)]


async def told(events: Events, *, after: int, count: int) -> list[Event]:
    """The next ``count`` events after an id."""
    heard: list[Event] = []
    async with asyncio.timeout(10):
        async for event in events.subscribe(after):
            heard.append(event)
            if len(heard) == count:
                break
    return heard
