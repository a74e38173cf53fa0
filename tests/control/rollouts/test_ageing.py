"""How a batch comes back: its weight, and who looks at it then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proxy.control.ejections import Ejections
from proxy.control.health import HealthMonitor
from proxy.control.outcome import Outcome
from proxy.ipc.messages import Suspect
from proxy.logs.log import EventLog
from proxy.traffic.commands import Abort, Pause, Resume
from proxy.traffic.model import Health, Operation, OperationState
from proxy.traffic.rollout.commands import MarkReady
from proxy.traffic.rollout.plan import Amount, ManualHook, OnFailure, SlowStart
from proxy.traffic.rollout.stages import Course, Stage
from proxy.traffic.spec import AdminState, Color
from tests.control.core import tasks, until
from tests.control.rollouts.yard import Said, Yard, plan


async def test_the_weight_of_a_server_that_comes_back_grows(yard: Yard) -> None:
    """From the floor, in a few moves, to all of it."""
    ramps: list[float] = []

    def look(outcome: Outcome) -> None:
        first = outcome.after.services["shop"].blue[0]
        if not first.cordoned and (not ramps or ramps[-1] != first.ramp):
            ramps.append(first.ramp)

    yard.core.controller.on_change(look)
    roll = await yard.start(plan(slow_start=SlowStart(over=0.5, floor=0.1)))
    await yard.at(roll, Stage.WARMING)
    await yard.core.controller.execute(Abort(roll), by="ada")
    assert (await yard.ended(roll)).state is OperationState.ABORTED
    assert ramps == [1.0, 0.1, 0.5, 1.0]


async def test_who_is_needed_is_not_spared(yard: Yard) -> None:
    """With too few others at full weight, those that are back carry all that they can at once."""
    roll = await yard.start(plan(batch=Amount(count=2), slow_start=SlowStart(over=3600.0), first_watch=3600.0))
    await yard.at(roll, Stage.WARMING)
    await yard.observe(yard.addresses[2], Health.UNHEALTHY)
    await yard.at(roll, Stage.WATCHED)
    assert all(each.ramp == 1.0 for each in yard.blue.values())


async def test_who_steers_does_not_put_off_the_end_of_a_watch(yard: Yard) -> None:
    """What was waited for in vain is not waited for once more, however often somebody has a say."""
    roll = await yard.start(plan(slow_start=SlowStart(over=5.0), batch=Amount(count=1)))
    await yard.at(roll, Stage.WARMING)
    for _ in range(200):
        await yard.core.controller.execute(Pause(roll), by="ada")
        await yard.core.controller.execute(Resume(roll), by="ada")
    warmed = yard.rollout(roll).warmed
    await until(lambda: yard.rollout(roll).warmed > warmed)


async def test_nobody_checks_a_server_that_is_out(yard: Yard, tmp_path: Path) -> None:
    """It is taken up afresh when it is back: then what becomes of it counts again."""
    one = yard.addresses[0]
    with (tmp_path / "log").open("wb") as file:
        monitor = HealthMonitor(yard.core.controller, EventLog(file.fileno()))
        monitor.start()
        roll = await yard.start(plan(hook=ManualHook(), first_watch=3600.0))
        await yard.at(roll, Stage.UPDATING)
        await until(lambda: not tasks(f"health of {one}"))
        assert len(tasks("health of")) == 3
        assert yard.blue[one].health is Health.UNKNOWN
        yard.servers[0].status(503)
        await yard.observe(one, Health.UNHEALTHY)
        assert yard.blue[one].health is Health.UNKNOWN, "what somebody saw before it was out is no news"
        yard.servers[0].status(200)
        await yard.core.controller.execute(MarkReady(roll, one), by="ada")
        await yard.at(roll, Stage.WATCHED)
        assert len(tasks(f"health of {one}")) == 1
        yard.servers[0].status(503)
        assert (await yard.ended(roll)).note == f"{one} became unhealthy after its update"
        await monitor.stop()


async def test_a_server_that_is_out_is_not_ejected(yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Complaints about what was in flight there come to nothing, and nobody is warned."""
    monkeypatch.setattr("proxy.control.ejections.WITHHELD_FOR", 0.0)
    log = tmp_path / "log"
    roll = await yard.start(plan(hook=ManualHook()))
    await yard.at(roll, Stage.UPDATING)
    with log.open("wb") as file:
        events = EventLog(file.fileno())
        ejections = Ejections(yard.core.controller, HealthMonitor(yard.core.controller, events), events)
        ejections.suspect(Suspect("shop", Color.BLUE, yard.addresses[0], "refused"))
        await until(lambda: not tasks("ejection of"))
        await ejections.stop()
    assert not yard.blue[yard.addresses[0]].ejected
    assert log.read_text() == ""


async def test_who_was_ejected_before_its_update_may_be_so_again(yard: Yard, tmp_path: Path) -> None:
    """That it was out then, and for how long it would have been, says nothing of it now."""
    controller, one = yard.core.controller, yard.addresses[0]
    complaint = Suspect("shop", Color.BLUE, one, "refused")
    with (tmp_path / "log").open("wb") as file:
        log = EventLog(file.fileno())
        ejections = Ejections(controller, HealthMonitor(controller, log), log)
        ejections.suspect(complaint)
        await until(lambda: yard.blue[one].ejected)
        roll = await yard.start(plan(first_watch=3600.0))
        await yard.at(roll, Stage.WATCHED)
        ejections.suspect(complaint)
        ended = await yard.ended(roll)
        await ejections.stop()
    assert ended.note == f"{one} had to be taken out after its update: real requests failed there"


async def test_who_is_kept_out_in_the_end_is_checked_again(yard: Yard, tmp_path: Path) -> None:
    """Also where an abort leaves out a server that was to be restored, and the end itself comes quietly."""
    go = asyncio.Event()

    async def fails_then_waits(operation: Operation) -> Said | None:
        assert operation.rollout is not None
        if operation.rollout.course is Course.ROLLING:
            return Said(ok=False, detail="it broke")
        await go.wait()
        return None

    yard.smith.otherwise = fails_then_waits
    with (tmp_path / "log").open("wb") as file:
        monitor = HealthMonitor(yard.core.controller, EventLog(file.fileno()))
        monitor.start()
        restoring = plan(first_batch=Amount(count=2), on_failure=OnFailure.RESTORE, previous_version="v1")
        roll = await yard.start(restoring)
        await yard.at(roll, Stage.UPDATING, batch=2)
        await yard.core.controller.execute(Abort(roll), by="ada")
        go.set()
        assert (await yard.ended(roll)).state is OperationState.ABORTED
        left = yard.addresses[0]
        assert yard.blue[left].admin is AdminState.DRAIN
        await until(lambda: yard.blue[left].health is Health.HEALTHY)
        await monitor.stop()
