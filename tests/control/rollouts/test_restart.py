"""The program is stopped and started again in the middle of a rollout."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from proxy.traffic.commands import Pause, Promote, Resume
from proxy.traffic.model import Operation, OperationState
from proxy.traffic.rollout.plan import ManualHook, RolloutPlan, SlowStart
from proxy.traffic.rollout.stages import BACK, Stage
from tests.control.core import until
from tests.control.rollouts.yard import PLAN, Plant, Said, Yard, plan

LONG = 3600.0
STAYS: dict[Stage, RolloutPlan] = {
    Stage.CORDONED: PLAN,
    Stage.DRAINING: PLAN,
    Stage.UPDATING: PLAN,
    Stage.PROBING: PLAN,
    Stage.WARMING: plan(slow_start=SlowStart(LONG)),
    Stage.WATCHED: plan(first_watch=LONG),
}
"""What lets a rollout stay at a stage, with what :func:`held` does."""


async def never(operation: Operation) -> Said:
    """A hook that takes long."""
    await asyncio.Event().wait()
    return Said()


def held(plant: Plant, yard: Yard, stage: Stage) -> None:
    """Let a rollout of this yard not go on from a stage."""
    if stage is Stage.CORDONED:
        yard.core.crew.workers[0].asleep = True
    elif stage is Stage.DRAINING:
        yard.core.crew.workers[0].admit(address=yard.addresses[0])
    elif stage is Stage.UPDATING:
        plant.smith.otherwise = never
    elif stage is Stage.PROBING:
        plant.servers[0].status(503)


async def promoted(yard: Yard, roll: str) -> None:
    """Wait until it is over, and wait for no weight and no watch."""
    while roll in yard.core.controller.state.operations:
        if yard.rollout(roll).stage in BACK:
            await yard.core.controller.execute(Promote(roll), by="ada")
        await yard.core.controller.changed(0.1)


@pytest.mark.parametrize("stage", STAYS)
async def test_it_goes_on_from_every_stage(plant: Plant, stage: Stage) -> None:
    """With the same id and the same batch, to its end; nobody is left out, and no batch is done twice."""
    async with plant.opened() as yard:
        held(plant, yard, stage)
        roll = await yard.start(STAYS[stage])
        before = await yard.at(roll, stage)
        await until(lambda: stage is not Stage.UPDATING or plant.smith.updated != [])
    plant.smith.otherwise = None
    plant.servers[0].status(200)
    async with plant.opened() as yard:
        assert yard.rollout(roll).batch == before.batch
        await promoted(yard, roll)
        ended = await yard.ended(roll)
        assert ended.state is OperationState.SUCCEEDED
        assert ended.rollout is not None
        assert ended.rollout.batch == 3
        assert all(each.wanted and each.ramp == 1.0 for each in yard.blue.values())
    updated = [address for address, _ in plant.smith.updated]
    assert updated == [*updated[:1] * (2 if stage is Stage.UPDATING else 1), *yard.addresses[1:]]


async def test_it_stays_paused(plant: Plant) -> None:
    """Between two batches, and by hand in the middle of one."""
    async with plant.opened() as yard:
        roll = await yard.start(replace(PLAN, hook=ManualHook()))
        await yard.at(roll, Stage.UPDATING)
        await yard.core.controller.execute(Pause(roll), by="ada")
    async with plant.opened() as yard:
        assert yard.rollout(roll).stage is Stage.UPDATING
        assert yard.running(roll).state is OperationState.PAUSED
        assert yard.blue[yard.addresses[0]].cordoned
        await yard.core.controller.execute(Resume(roll), by="ada")
        assert yard.running(roll).state is OperationState.RUNNING


async def test_after_a_crash_workers_of_the_earlier_program_are_waited_for(plant: Plant) -> None:
    """What they have in flight on the batch nobody here can count."""
    async with plant.opened() as yard:
        held(plant, yard, Stage.DRAINING)
        roll = await yard.start()
        await yard.at(roll, Stage.DRAINING)
    async with plant.opened(alone=False) as yard:
        assert (await yard.core.controller.wait_ended(roll, 0.05)).ended_at is None
        assert yard.rollout(roll).stage is Stage.DRAINING
        assert plant.smith.updated == []
        yard.company.alone = True
        assert (await yard.ended(roll)).state is OperationState.SUCCEEDED
