from __future__ import annotations

from pathlib import Path

from proxy.control.clock import SystemClock
from proxy.control.controller import Controller
from proxy.control.events import Events
from proxy.control.publisher import Publisher
from proxy.control.store.sqlite import SqliteStore
from proxy.shm.board import Board
from proxy.traffic.commands import Switch
from proxy.traffic.configure import initial_state
from proxy.traffic.model import OperationState, Phase
from proxy.traffic.spec import Color, DoorSpec
from tests.control.core import SHOP, heal, until
from tests.control.gang import running_gang


async def test_real_processes_acknowledge_every_switch(tmp_path: Path) -> None:
    """Three processes, twenty switches: each is applied in all of them before it is answered so, and drained after."""
    board, clock = Board.create(65_536), SystemClock()
    store = await SqliteStore.open(tmp_path / "bluegreen.db", now=clock.wall())
    async with running_gang(board, 3) as gang:
        publisher = Publisher(board, gang)
        gang.acknowledged = publisher.acknowledged
        state = initial_state(DoorSpec(), (SHOP,))
        controller = Controller(state, store=store, publisher=publisher, fleet=gang, events=Events(clock))
        await controller.start()
        await heal(controller)
        await until(lambda: publisher.applied(1).total == 3)
        for number in range(20):
            outcome = await controller.execute(Switch("shop", (Color.GREEN, Color.BLUE)[number % 2]), by="ada")
            assert outcome.operation is not None
            applied = await controller.wait_applied(outcome.operation.id, 10)
            assert applied.phase is not Phase.APPLYING
            assert [region.seen for region in gang.regions()] == [controller.state.generation] * 3
            over = await controller.wait_ended(outcome.operation.id, 10)
            assert over.state is OperationState.SUCCEEDED
        await controller.stop()
    await store.close()
