from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.control.holds import patience_of
from proxy.ipc.messages import Cut
from proxy.shm.names import Outcome, Series
from proxy.traffic.audience import HoldRule
from proxy.traffic.commands import Configure, Hold, ObserveHealth, Release, Rollback, Switch
from proxy.traffic.model import FULL_SPLIT, Health, Operation, OperationState, Phase, Receipt
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import Color, DoorSpec
from tests.control.core import SHOP, Core, running_core, until
from tests.control.store.disks import small_disk

RULE = HoldRule(max_wait=20.0)
HASTY = HoldRule(max_wait=0.2)
EXCLUSIVE = Switch("shop", Color.GREEN, exclusive=RULE)


async def ended(core: Core, operation: str = "op-1") -> tuple[Operation, Receipt]:
    """An operation that has ended, and its receipt."""
    over = await core.controller.wait_ended(operation, 10)
    assert over.phase is Phase.ENDED
    assert over.receipt is not None
    return over, over.receipt


def held(core: Core, *, total: int, refused: int = 0) -> None:
    """Requests came while they were held."""
    core.crew.workers[0].count(total, Series.HELD_TOTAL, "shop")
    core.crew.workers[1].count(refused, Series.HELD_REFUSED, "shop")


async def test_an_exclusive_switch_flips_once_nothing_is_in_flight(core: Core) -> None:
    """On neither color; the receipt tells what was, how it ended, and who was held meanwhile."""
    first, second = core.crew.workers
    requests = [first.admit(), second.admit(), second.admit(Color.GREEN, "b:1")]
    await core.controller.execute(EXCLUSIVE, by="ada")
    await until(lambda: core.publisher.all_seen(core.controller.state.generation))
    for request in requests:
        assert core.controller.state.services["shop"].split == 0
        assert core.controller.state.operations["op-1"].phase is Phase.HOLDING
        assert core.controller.progress(core.controller.state.operations["op-1"])["in_flight"] > 0
        request.end()
    held(core, total=7, refused=1)
    over, receipt = await ended(core)
    service = core.controller.state.services["shop"]
    assert (over.state, service.split, service.hold) == (OperationState.SUCCEEDED, FULL_SPLIT, None)
    assert (receipt.in_flight_at_flip, receipt.finished_on_old, receipt.dropped) == (3, 3, 0)
    assert (receipt.held, receipt.held_too_long) == (7, 1)
    assert receipt.applied_at is not None
    assert receipt.drained_at is not None
    assert receipt.drained_at <= receipt.applied_at
    assert receipt.generation == core.controller.state.generation - 1, "its end is told to the workers, too"
    assert await core.history() == ["switch", "start"]


async def test_tunnels_of_both_colors_are_told_to_end_at_once(core: Core) -> None:
    """As soon as every worker holds, without being spread over time, and again as long as some are left."""
    tunnel = core.crew.workers[0].admit(tunnel=True)
    core.crew.workers[1].asleep = True
    await core.controller.execute(EXCLUSIVE, by="ada")
    await until(lambda: core.crew.workers[0].region.seen == core.controller.state.generation)
    assert core.crew.sent == []
    core.crew.workers[1].asleep = False
    core.crew.look()
    await until(lambda: len(core.crew.sent) >= 4)
    generation = core.controller.state.generation
    told = [Cut("shop", color, generation, tunnels=True, address=None, spread=0.0) for color in Color]
    assert core.crew.sent[:4] == told * 2
    tunnel.end(Outcome.CUT_BY_PROXY)
    _, receipt = await ended(core)
    assert receipt.cut_by_proxy == 1


async def test_one_that_takes_too_long_is_given_up_before_anybody_is_turned_away(core: Core) -> None:
    """The reason says what still ran; the old color has all traffic, and the receipt what was counted."""
    request = core.crew.workers[0].admit()
    core.crew.workers[1].admit().end()
    await core.controller.execute(replace(EXCLUSIVE, exclusive=HASTY), by="ada")
    held(core, total=2)
    over, receipt = await ended(core)
    assert (over.state, over.note) == (OperationState.FAILED, "1 request on blue was still running after 0.2 s")
    service = core.controller.state.services["shop"]
    assert (service.split, service.hold) == (0, None)
    assert (receipt.in_flight_at_flip, receipt.held, receipt.applied_at) == (1, 2, None)
    assert patience_of(HASTY.max_wait) == pytest.approx(0.18)
    assert patience_of(10) == 9.5
    request.end()


async def test_a_worker_that_does_not_follow_is_a_reason_to_give_up(core: Core) -> None:
    """It might admit something yet."""
    core.crew.workers[0].asleep = True
    await core.controller.execute(replace(EXCLUSIVE, exclusive=HASTY), by="ada")
    over, _ = await ended(core)
    assert "not every worker had taken over the table" in (over.note or "")


async def test_a_color_that_went_away_meanwhile_is_a_reason_to_give_up(core: Core) -> None:
    """Who waits must not be let go to where nobody answers."""
    request = core.crew.workers[0].admit()
    await core.controller.execute(EXCLUSIVE, by="ada")
    await core.controller.observe(ObserveHealth("shop", Color.GREEN, "b:1", Health.UNHEALTHY))
    request.end()
    over, _ = await ended(core)
    service = core.controller.state.services["shop"]
    assert (over.state, service.split, service.hold) == (OperationState.FAILED, 0, None)
    assert over.note == "green has no healthy upstream any more: requests go to blue as before"


async def test_a_color_that_nobody_answered_for_may_be_forced(core: Core) -> None:
    """What was so when the switch began is no surprise."""
    await core.controller.observe(ObserveHealth("shop", Color.GREEN, "b:1", Health.UNHEALTHY))
    await core.controller.execute(replace(EXCLUSIVE, force=True), by="ada")
    over, _ = await ended(core)
    assert over.state is OperationState.SUCCEEDED


async def test_what_dies_with_a_worker_is_told_to_be_lost(core: Core) -> None:
    """The switch goes on without it."""
    core.crew.workers[0].admit()
    await core.controller.execute(EXCLUSIVE, by="ada")
    await until(lambda: core.publisher.all_seen(core.controller.state.generation))
    await until(lambda: bool(core.crew.sent))
    core.crew.kill(core.crew.workers[0])
    over, receipt = await ended(core)
    assert (over.state, receipt.in_flight_at_flip, receipt.dropped) == (OperationState.SUCCEEDED, 1, 1)
    assert over.note == "1 lost with a worker that died"


async def test_a_rollback_releases_with_a_receipt(core: Core) -> None:
    """It never flips afterwards."""
    request = core.crew.workers[0].admit()
    await core.controller.execute(EXCLUSIVE, by="ada")
    await until(lambda: bool(core.crew.sent))
    held(core, total=3)
    await core.controller.execute(Rollback("shop"), by="ada")
    over, receipt = await ended(core)
    assert (over.state, receipt.held, receipt.in_flight_at_flip) == (OperationState.ROLLED_BACK, 3, 1)
    request.end()
    await until(lambda: not [task for task in asyncio.all_tasks() if task.get_name().startswith("watch")])
    assert core.controller.state.services["shop"].split == 0


async def test_the_flip_is_on_disk_and_waits_for_it(tmp_path: Path) -> None:
    """With a full disk nothing moves, and in the end it is given up, which needs no disk."""
    with small_disk(tmp_path / "disk") as disk:
        async with running_core(disk.path / "bluegreen.db") as core:
            request = core.crew.workers[0].admit()
            await core.controller.execute(replace(EXCLUSIVE, exclusive=HoldRule(max_wait=0.5)), by="ada")
            await until(lambda: bool(core.crew.sent))
            disk.fill()
            request.end()
            over = await core.controller.wait_ended("op-1", 10)
            assert over.state is OperationState.FAILED
            assert "could not be written down" in (over.note or "")
            service = core.controller.state.services["shop"]
            assert (service.split, service.hold) == (0, None)
            disk.free()
            await until(lambda: core.controller.store_up)


async def test_after_a_crash_the_old_color_goes_on(tmp_path: Path) -> None:
    """The operation is told to have failed; nothing is held."""
    async with running_core(tmp_path / "db") as core:
        core.crew.workers[0].admit()
        await core.controller.execute(EXCLUSIVE, by="ada")
    async with running_core(tmp_path / "db") as core:
        service = core.controller.state.services["shop"]
        assert (service.split, service.hold) == (0, None)
        assert core.controller.state.operations == {}
        over = await core.controller.operation("op-1")
        assert over is not None
        assert over.state is OperationState.FAILED
        assert "the program was stopped" in (over.note or "")


async def test_a_program_that_stops_gives_it_up_first(core: Core) -> None:
    """So its workers let go of what they hold before they leave."""
    core.crew.workers[0].admit()
    await core.controller.execute(EXCLUSIVE, by="ada")
    await core.controller.let_go()
    over, _ = await ended(core)
    assert over.state is OperationState.FAILED
    assert core.controller.state.services["shop"].hold is None


async def test_a_hold_is_applied_when_every_worker_holds(core: Core) -> None:
    """It tells when what was in flight has ended, and its receipt counts until everybody is let go."""
    request = core.crew.workers[0].admit()
    core.crew.workers[1].asleep = True
    begun = asyncio.create_task(core.controller.execute(Hold("shop", RULE), by="ada"))
    assert (await begun).operation is not None
    applying = await core.controller.wait_applied("op-1", 0.02)
    assert applying.receipt is not None
    assert applying.receipt.applied_at is None
    core.crew.workers[1].asleep = False
    core.crew.look()
    operation = await core.controller.wait_applied("op-1", 10)
    assert operation.phase is Phase.HOLDING
    assert operation.receipt is not None
    assert (operation.receipt.in_flight_at_flip, operation.receipt.drained_at) == (1, None)
    request.end()
    await until(lambda: _receipt(core).drained_at is not None)
    held(core, total=5, refused=2)
    await core.controller.execute(Release("shop"), by="ada")
    over, receipt = await ended(core)
    assert over.state is OperationState.SUCCEEDED
    assert (receipt.in_flight_at_flip, receipt.finished_on_old) == (1, 1)
    assert (receipt.held, receipt.held_too_long) == (5, 2)
    assert await core.history() == ["release", "hold", "start"]


def _receipt(core: Core) -> Receipt:
    receipt = core.controller.state.operations["op-1"].receipt
    assert receipt is not None
    return receipt


async def test_a_hold_outlives_the_program(tmp_path: Path) -> None:
    """It is held on, and can be released."""
    async with running_core(tmp_path / "db") as core:
        await core.controller.execute(Hold("shop", RULE), by="ada")
        await core.controller.wait_applied("op-1", 10)
    async with running_core(tmp_path / "db") as core:
        core.controller.resume()
        assert core.controller.state.services["shop"].hold == RULE
        with pytest.raises(Refused) as caught:
            await core.controller.execute(EXCLUSIVE, by="ada")
        assert caught.value.code is RefusalCode.OPERATION_RUNNING
        await core.controller.execute(Release("shop"), by="ada")
        over, _ = await ended(core)
        assert over.state is OperationState.SUCCEEDED


async def test_a_hold_ends_with_its_service(core: Core) -> None:
    """A service that is taken out of the config file holds nothing."""
    await core.controller.execute(Hold("shop", RULE), by="ada")
    held(core, total=2)
    await core.controller.execute(Configure(DoorSpec(), (replace(SHOP, name="other"),)), by="ada")
    over, receipt = await ended(core)
    assert (over.state, receipt.held) == (OperationState.FAILED, 2)
