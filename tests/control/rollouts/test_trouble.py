"""What goes wrong with a batch, and what comes of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.control.hooks.output import harmless
from proxy.traffic.commands import Configure, ObserveEjection
from proxy.traffic.model import Health, Operation, OperationState
from proxy.traffic.rollout.plan import Amount, OnFailure, Readiness, SlowStart, VersionProbe
from proxy.traffic.rollout.stages import Course, Stage
from proxy.traffic.spec import AdminState, Color, DoorSpec, UpstreamSpec
from tests.control.core import exhaust, tasks, until
from tests.control.rollouts.yard import Plant, Said, Yard, plan
from tests.control.store.disks import small_disk

DETECT = VersionProbe(header="X-Version")


async def bad_hook(operation: Operation) -> Said:
    """Says no."""
    output = harmless(b"no such image..\n" * 1024, printed=10**9)
    return Said(ok=False, detail="update exited with 1 after 2 s", output=output)


async def lazy_hook(operation: Operation) -> Said:
    """Does nothing and says that all is well."""
    return Said()


async def slow_hook(operation: Operation) -> Said:
    """Never comes to its end."""
    await asyncio.Event().wait()
    return Said()


async def test_a_hook_that_fails_stops_it(yard: Yard) -> None:
    """Its server stays out, the others serve as they are, and the journal has the end of what the hook said."""
    yard.smith.otherwise = bad_hook
    ended = await yard.ended(await yard.start())
    assert (ended.state, ended.note) == (OperationState.FAILED, "update exited with 1 after 2 s")
    first, *others = yard.blue.values()
    assert first.admin is AdminState.DRAIN
    assert all(each.wanted for each in others)
    failed, hook = (await yard.core.store.journal())[:2]
    assert (failed.action, failed.by, hook.action, hook.reason) == ("fail", "hook", "hook", ended.note)
    said = {change.path: change.after for change in hook.changes}
    assert said["hook.ok"] is False
    assert str(said["hook.output"]).startswith("… 999,983,616 bytes left out\nno such image..\n")


async def test_what_does_not_become_healthy_stays_out(yard: Yard) -> None:
    """It says what was wrong with it at the last look."""
    yard.servers[0].status(503)
    ended = await yard.ended(await yard.start(plan(readiness=Readiness(2, timeout=0.1))))
    address = yard.addresses[0]
    assert ended.note == f"{address} was not healthy 2 times in a row within 0.1 s: answered 503"
    assert not yard.blue[address].wanted
    assert (await yard.core.store.journal())[0].by == "check"


async def test_a_server_that_is_taken_out_of_the_pool_is_no_longer_waited_for(yard: Yard) -> None:
    """It never becomes healthy, which says nothing against the others of its batch."""
    one, two, three = yard.addresses
    yard.servers[0].status(503)
    roll = await yard.start(plan(batch=Amount(count=2)))
    await yard.at(roll, Stage.PROBING)
    spec = yard.core.controller.state.services["shop"].spec
    left = replace(spec, blue=(UpstreamSpec(two), UpstreamSpec(three)))
    await yard.core.controller.execute(Configure(DoorSpec(), (left,)), by="file")
    assert (await yard.ended(roll)).state is OperationState.SUCCEEDED
    assert yard.smith.updated == [(one, "v2"), (two, "v2"), (three, "v2")]


async def test_it_takes_some_good_answers_in_a_row(yard: Yard) -> None:
    """One that is well only now and then is not."""
    server = yard.servers[0]
    server.status(503)
    roll = await yard.start(plan(readiness=Readiness(3, timeout=10.0)))
    await yard.at(roll, Stage.PROBING)
    asked = len(server.asked)
    await until(lambda: len(server.asked) > asked + 2)
    server.status(200)
    await yard.ended(roll)
    assert len(server.asked) >= asked + 6


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("v2", "still answers version v1, not v2"), (None, "still answers version v1")],
    ids=["told", "any"],
)
async def test_a_hook_that_did_nothing_is_noticed(yard: Yard, wanted: str | None, words: str) -> None:
    """The server is well, but runs what it ran before."""
    yard.smith.otherwise = lazy_hook
    ended = await yard.ended(await yard.start(plan(version=wanted, detect=DETECT)))
    assert (ended.state, ended.note) == (
        OperationState.FAILED,
        f"the hook did nothing: {yard.addresses[0]} {words}",
    )


async def test_a_server_without_a_version_is_not_believed(yard: Yard) -> None:
    """Where somebody has said which one it should be."""
    yard.smith.versions.clear()
    yard.smith.otherwise = lazy_hook
    ended = await yard.ended(await yard.start(plan(detect=DETECT)))
    assert ended.note == f"the hook did nothing: {yard.addresses[0]} does not tell its version, which should be v2"


async def test_a_server_that_could_not_be_restored_is_not_touched(yard: Yard) -> None:
    """Who wants a restore, and has versions looked at for it, is told of a server without one before it is taken."""
    del yard.smith.versions[yard.addresses[1]]
    ended = await yard.ended(await yard.start(plan(detect=DETECT, on_failure=OnFailure.RESTORE)))
    assert (ended.state, yard.addresses[1] in (ended.note or "")) == (OperationState.ROLLED_BACK, True)
    assert yard.addresses[1] not in [address for address, _ in yard.smith.updated]
    assert all(each.wanted for each in yard.blue.values())


async def test_versions_are_kept_before_and_after(yard: Yard) -> None:
    """Each turn tells both."""
    ended = await yard.ended(await yard.start(plan(detect=DETECT)))
    assert ended.rollout is not None
    assert {(turn.before, turn.version) for turn in ended.rollout.turns} == {("v1", "v2")}


@pytest.mark.parametrize("stage", [Stage.WARMING, Stage.WATCHED])
@pytest.mark.parametrize("ejected", [False, True], ids=["unhealthy", "ejected"])
async def test_a_server_that_falls_ill_again_fails_its_batch(yard: Yard, stage: Stage, ejected: bool) -> None:
    """Though it was healthy when it came back."""
    roll = await yard.start(plan(first_watch=3600.0, slow_start=SlowStart(3600.0 if stage is Stage.WARMING else 0.0)))
    await yard.at(roll, stage)
    address = yard.addresses[0]
    if ejected:
        await yard.core.controller.observe(ObserveEjection("shop", Color.BLUE, address, ejected=True))
    else:
        await yard.observe(address, Health.UNHEALTHY)
    ended = await yard.ended(roll)
    assert ended.state is OperationState.FAILED
    assert (ended.note or "").startswith(f"{address} {'had to be taken out' if ejected else 'became unhealthy'} after")


async def test_a_restore_brings_every_server_back(yard: Yard) -> None:
    """In reverse order, each with the same care, by the hook, to what it ran before."""

    async def second_fails(operation: Operation) -> Said | None:
        assert operation.rollout is not None
        bad = operation.rollout.course is Course.ROLLING and operation.rollout.batch == 2
        return Said(ok=False, detail="it broke") if bad else None

    yard.smith.otherwise = second_fails
    one, two, _ = yard.addresses
    ended = await yard.ended(await yard.start(plan(detect=DETECT, on_failure=OnFailure.RESTORE)))
    assert (ended.state, ended.note) == (OperationState.ROLLED_BACK, "it broke")
    assert yard.smith.updated == [(one, "v2"), (two, "v2"), (two, "v1"), (one, "v1")]
    assert all(each.wanted and each.ramp == 1.0 for each in yard.blue.values())


async def test_a_server_that_came_back_elsewhere_takes_the_place_of_the_old_one(yard: Yard) -> None:
    """It is what is probed, and what serves."""
    one, *others = yard.addresses
    new = yard.servers[3].address

    async def moves(operation: Operation) -> Said | None:
        assert operation.rollout is not None
        return Said(moved={one: new}) if operation.rollout.batch == 1 else None

    yard.smith.otherwise = moves
    asked = len(yard.servers[0].asked)
    assert (await yard.ended(await yard.start())).state is OperationState.SUCCEEDED
    assert list(yard.blue) == [new, *others]
    assert len(yard.servers[0].asked) == asked


async def test_an_address_that_is_taken_fails_the_batch(yard: Yard) -> None:
    """And the hook is not run again for that."""
    one, two, _ = yard.addresses

    async def moves(operation: Operation) -> Said:
        return Said(moved={one: two})

    yard.smith.otherwise = moves
    ended = await yard.ended(await yard.start())
    assert ended.note == f"what the hook has answered cannot be: {two} is already an upstream of blue"
    assert len(yard.smith.updated) == 1


async def test_a_hook_is_not_run_again_because_the_store_fails(
    tmp_path: Path, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has done is written down as soon as that is possible."""
    monkeypatch.setattr("proxy.control.insisting.STORE_REST", 0.01)
    with small_disk(tmp_path / "disk") as disk:
        plant.path = disk.path / "db"
        async with plant.opened() as yard:

            async def fills(operation: Operation) -> None:
                if len(yard.smith.updated) == 1:
                    disk.fill()
                    await exhaust(yard.core)

            yard.smith.otherwise = fills
            roll = await yard.start()
            await until(lambda: yard.smith.versions[yard.addresses[0]] == "v2")
            assert yard.rollout(roll).stage is Stage.UPDATING
            disk.free()
            assert (await yard.ended(roll)).state is OperationState.SUCCEEDED
            assert len(yard.smith.updated) == 3


async def test_a_service_that_is_taken_out_breaks_the_hook_off(yard: Yard) -> None:
    """Nobody needs its servers any more."""
    yard.smith.otherwise = slow_hook
    roll = await yard.start()
    await until(lambda: len(yard.smith.updated) == 1)
    spec = yard.core.controller.state.services["shop"].spec
    await yard.core.controller.execute(Configure(DoorSpec(), (replace(spec, name="blog"),)), by="file")
    assert (await yard.ended(roll)).state is OperationState.FAILED
    await until(lambda: yard.smith.broken_off == 1)
    await until(lambda: not tasks("roll"))


async def test_a_stop_breaks_the_hook_off_and_nothing_else(plant: Plant) -> None:
    """The rollout is where it was, for the next start."""
    plant.smith.otherwise = slow_hook
    async with plant.opened() as yard:
        roll = await yard.start()
        await until(lambda: len(yard.smith.updated) == 1)
    assert plant.smith.broken_off == 1
    assert yard.rollout(roll).stage is Stage.UPDATING
    assert tasks("roll") == []
