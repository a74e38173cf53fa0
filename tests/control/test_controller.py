from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.control.events import EventName
from proxy.control.outcome import Outcome
from proxy.control.publisher import TableTooLarge
from proxy.control.store.base import StoreUnavailable
from proxy.traffic.commands import (
    Abort,
    AddUpstream,
    ChangeUpstream,
    Configure,
    EndOperation,
    ObserveEjection,
    ObserveHealth,
    RemoveUpstream,
    ReplacePool,
    Rollback,
    SetSplit,
    Switch,
    UpstreamWill,
)
from proxy.traffic.document import dump_state
from proxy.traffic.model import FULL_SPLIT, Health, OperationKind, OperationState, Phase
from proxy.traffic.records import dump_operation
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import Color, DoorSpec, HealthCheck, UpstreamSpec
from tests.control.core import SHOP, Core, exhaust, running_core, tasks, told, until
from tests.control.store.disks import small_disk

TO_GREEN = Switch("shop", Color.GREEN)
TO_BLUE = Switch("shop", Color.BLUE)
SICK = ObserveHealth("shop", Color.BLUE, "a:1", Health.UNHEALTHY)


async def test_a_switch_is_on_disk_and_in_every_worker(core: Core) -> None:
    """When it is answered as applied, the store and every worker's table say green."""
    outcome = await core.controller.execute(TO_GREEN, by="ada", reason="five o'clock")
    assert outcome.operation is not None
    assert outcome.before.services["shop"].split == 0
    assert outcome.after.services is core.controller.state.services
    document = await core.store.read()
    assert document == dump_state(outcome.after)
    assert document["services"]["shop"]["split"] == FULL_SPLIT
    operation = await core.controller.wait_applied(outcome.operation.id, 10)
    assert operation.phase is not Phase.APPLYING
    assert [worker.table and worker.table.services[0].split for worker in core.crew.workers] == [FULL_SPLIT] * 2


async def test_the_journal_tells_who_when_why_and_what(core: Core) -> None:
    """The entry in the outcome is the one that is stored."""
    outcome = await core.controller.execute(TO_GREEN, by="ada", reason="five o'clock")
    entry = outcome.entry
    assert entry is not None
    assert (await core.store.journal(limit=1)) == [entry]
    assert (entry.by, entry.reason, entry.service, entry.action) == ("ada", "five o'clock", "shop", "switch")
    assert (entry.operation, entry.changes, entry.revision) == ("op-1", outcome.changes, 2)
    assert entry.generation == core.controller.state.generation


async def test_every_command_has_a_name_in_the_journal(core: Core) -> None:
    """Whatever an operator does can be read in the history."""
    core.crew.workers[0].admit()
    for command in (
        SetSplit("shop", FULL_SPLIT),
        Abort("op-1"),
        Rollback("shop"),
        AddUpstream("shop", Color.GREEN, UpstreamWill("b:2")),
        ChangeUpstream("shop", Color.GREEN, "b:2", weight=4),
        RemoveUpstream("shop", Color.GREEN, "b:2"),
        ReplacePool("shop", Color.GREEN, (UpstreamWill("b:1"), UpstreamWill("b:3"))),
        Configure(DoorSpec(), (replace(SHOP, health=HealthCheck(path="/up")),)),
    ):
        await core.controller.execute(command, by="ada")
    assert await core.history() == [
        "configure",
        "replace_pool",
        "remove_upstream",
        "change_upstream",
        "add_upstream",
        "rollback",
        "abort",
        "split",
        "start",
    ]
    assert [entry.service for entry in await core.store.journal(limit=3)] == [None, "shop", "shop"]


async def test_what_is_refused_leaves_no_trace(core: Core) -> None:
    """Not in the state, not on the board, not in the journal."""
    before = core.controller.state
    with pytest.raises(Refused) as caught:
        await core.controller.execute(TO_GREEN, by="ada", expected_revision=7)
    assert caught.value.code is RefusalCode.REVISION_MISMATCH
    assert core.controller.state is before
    assert await core.history() == ["start"]


async def test_a_dry_run_tells_and_changes_nothing(core: Core) -> None:
    """The plan is the outcome that the command would have; refusals come as they would."""
    before = core.controller.state
    outcome = await core.controller.execute(TO_GREEN, by="ada", dry_run=True)
    assert outcome.after.services["shop"].split == FULL_SPLIT
    assert outcome.changes
    assert outcome.operation is not None
    assert outcome.entry is None
    with pytest.raises(Refused):
        await core.controller.execute(Rollback("shop"), by="ada", dry_run=True)
    assert core.controller.state is before
    assert await core.history() == ["start"]


async def test_commands_at_the_same_time_go_one_after_the_other(core: Core) -> None:
    """Twenty changes at once: each is there, each has its own revision and generation."""
    commands = [AddUpstream("shop", Color.GREEN, UpstreamWill(f"b:{n}")) for n in range(10, 30)]
    outcomes = await asyncio.gather(*(core.controller.execute(command, by="ada") for command in commands))
    assert len(core.controller.state.services["shop"].green) == 21
    assert sorted(outcome.after.services["shop"].revision for outcome in outcomes) == list(range(2, 22))


async def test_of_two_with_the_same_revision_one_is_carried_out(core: Core) -> None:
    """The other is told that it decided on something old."""
    both = await asyncio.gather(
        *(core.controller.execute(SetSplit("shop", n), by="ada", expected_revision=1) for n in (100, 200)),
        return_exceptions=True,
    )
    assert [type(each) for each in both] == [Outcome, Refused]


async def test_a_caller_that_goes_away_changes_nothing(core: Core) -> None:
    """Cancelled at any moment, a command is carried out whole, or not begun; the next one goes through."""
    for rounds in range(12):
        target = FULL_SPLIT if core.controller.state.services["shop"].split == 0 else 0
        caller = asyncio.create_task(core.controller.execute(SetSplit("shop", target), by="ada"))
        for _ in range(rounds):
            await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        await until(lambda: not tasks("carry out"))
        stored = await core.store.read()
        assert stored is not None
        assert stored["services"] == dump_state(core.controller.state)["services"]
        core.crew.look()
        tables = {worker.table.generation for worker in core.crew.workers if worker.table}
        assert tables == {core.controller.state.generation}
        await until(lambda: not core.controller.state.operations)


async def test_a_switch_to_where_the_traffic_is_succeeds(core: Core) -> None:
    """The answer is an operation that has ended well and can be asked for; the table stays."""
    generation = core.controller.state.generation
    outcome = await core.controller.execute(TO_BLUE, by="ada")
    assert outcome.operation is not None
    assert outcome.operation.state is OperationState.SUCCEEDED
    assert await core.controller.wait_ended(outcome.operation.id, 10) == outcome.operation
    assert core.controller.state.generation == generation


async def test_a_command_that_changes_nothing_is_not_written(core: Core) -> None:
    """Asked to do what is so already: no entry, no new revision."""
    outcome = await core.controller.execute(ChangeUpstream("shop", Color.BLUE, "a:1", weight=1), by="ada")
    assert outcome.before is outcome.after
    assert await core.history() == ["start"]


async def test_health_is_served_and_not_written(core: Core) -> None:
    """A verdict makes a new table at once, and costs no disk."""
    document = await core.store.read()
    await core.controller.observe(SICK)
    await asyncio.sleep(0)
    assert [u.address for u in core.crew.workers[0].table.services[0].blue] == ["a:2"]  # type: ignore[union-attr]
    assert await core.store.read() == document


async def test_what_is_gone_is_not_observed(core: Core) -> None:
    """A verdict about an upstream that was removed meanwhile is nobody's error."""
    before = core.controller.state
    await core.controller.observe(replace(SICK, address="nobody:1"))
    await core.controller.observe(EndOperation("op-77", OperationState.SUCCEEDED))
    assert core.controller.state is before


async def test_a_table_that_does_not_fit_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """State, store and board stay; a smaller command goes through afterwards."""
    async with running_core(tmp_path / "db", board_size=2048) as core:
        many = tuple(UpstreamWill(f"host-{n}.example:80") for n in range(100))
        before = core.controller.state
        for dry_run in (True, False):
            with pytest.raises(TableTooLarge):
                await core.controller.execute(ReplacePool("shop", Color.GREEN, many), by="ada", dry_run=dry_run)
        assert core.controller.state is before
        assert await core.history() == ["start"]
        await core.controller.execute(TO_GREEN, by="ada")


async def test_an_observation_whose_table_does_not_fit_is_told(tmp_path: Path) -> None:
    """The last unhealthy one makes all of a large pool eligible: too much for the board, which keeps what it has."""
    sick = tuple(UpstreamSpec(f"host-{n}.example:80") for n in range(120))
    spec = replace(SHOP, blue=(UpstreamSpec("a:1"),), green=(UpstreamSpec("b:1"),))
    async with running_core(tmp_path / "db", spec, board_size=2048) as core:
        wills = (UpstreamWill("b:1"), *(UpstreamWill(u.address) for u in sick))
        await core.controller.execute(ReplacePool("shop", Color.GREEN, wills), by="ada")
        state, last = core.controller.state, core.events.last_id
        await core.controller.observe(ObserveHealth("shop", Color.GREEN, "b:1", Health.UNHEALTHY))
        assert core.controller.state is state
        (event,) = await told(core.events, after=last, count=1)
        assert event.name == EventName.TOO_LARGE


async def test_followers_are_told_of_every_change_in_order(core: Core) -> None:
    """Each gets the outcome with the new state served already; one that fails disturbs nobody."""
    followed: list[Outcome] = []
    core.controller.on_change(lambda _: 1 / 0)  # type: ignore[arg-type]
    core.controller.on_change(followed.append)
    await core.controller.observe(SICK)
    await core.controller.execute(SetSplit("shop", 1_000), by="ada")
    await core.controller.wait_ended("op-1", 10)
    assert len(followed) == 3
    assert [outcome.before for outcome in followed[1:]] == [outcome.after for outcome in followed[:-1]]
    assert followed[-1].after is core.controller.state
    assert [operation.id for operation in followed[-1].ended] == ["op-1"]


async def test_events_tell_what_happened(core: Core) -> None:
    """A change with its entry, then how its operation goes on; health as it is noticed."""
    last = core.events.last_id
    await core.controller.observe(ObserveEjection("shop", Color.BLUE, "a:1", True))
    await core.controller.execute(TO_GREEN, by="ada", reason="why not")
    ended = await core.controller.wait_ended("op-1", 10)
    heard = await told(core.events, after=last, count=4)
    assert [event.name for event in heard] == [
        EventName.OBSERVED,
        EventName.CHANGED,
        EventName.APPLIED,
        EventName.ENDED,
    ]
    assert heard[0].data["changes"] == [{"path": "pools.blue.a:1.ejected", "before": False, "after": True}]
    assert (heard[1].data["by"], heard[1].data["reason"], heard[1].data["operation"]) == ("ada", "why not", "op-1")
    assert heard[3].data == dump_operation(ended)


async def test_waiting_for_what_never_was_is_refused(core: Core) -> None:
    """An unknown id is told at once."""
    for wait in (core.controller.wait_applied, core.controller.wait_ended):
        with pytest.raises(Refused) as caught:
            await wait("op-99", 10)
        assert caught.value.code is RefusalCode.OPERATION_NOT_FOUND


async def test_operations_are_listed_as_they_are_now(core: Core) -> None:
    """Running ones with their live phase, ended ones as they ended, newest first."""
    await core.controller.execute(SetSplit("shop", 1_000), by="ada")
    await core.controller.wait_ended("op-1", 10)
    core.crew.workers[0].admit()
    await core.controller.execute(TO_GREEN, by="ada")
    await core.controller.wait_applied("op-2", 10)
    listed = await core.controller.operations()
    assert [(o.id, o.phase) for o in listed] == [("op-2", Phase.DRAINING), ("op-1", Phase.ENDED)]
    assert await core.controller.operations(before="op-2") == listed[1:]
    assert await core.controller.operations(service="blog") == []


# --- starting again


async def test_a_first_start_is_remembered(tmp_path: Path) -> None:
    """`initial` is asked once: edited before the next start, it moves nothing."""
    async with running_core(tmp_path / "db"):
        pass
    async with running_core(tmp_path / "db", replace(SHOP, initial=Color.GREEN)) as core:
        assert core.controller.state.services["shop"].live is Color.BLUE
        assert await core.history() == ["start", "start"]


async def test_after_a_restart_everything_is_as_operators_left_it(tmp_path: Path) -> None:
    """Split, way back, revision; generations and ids go on; what was running is told to have been interrupted."""
    async with running_core(tmp_path / "db") as core:
        core.crew.workers[0].admit()
        await core.controller.execute(TO_GREEN, by="ada")
        before = core.controller.state
    async with running_core(tmp_path / "db") as core:
        service = core.controller.state.services["shop"]
        assert (service.split, service.previous_split, service.revision) == (FULL_SPLIT, 0, 2)
        assert core.controller.state.generation > before.generation
        over = await core.controller.operation("op-1")
        assert over is not None
        assert (over.state, over.phase) == (OperationState.FAILED, Phase.ENDED)
        outcome = await core.controller.execute(Rollback("shop"), by="ada")
        assert outcome.operation is not None
        assert (outcome.operation.id, outcome.operation.kind) == ("op-2", OperationKind.ROLLBACK)


# --- a disk that is full


async def test_on_a_full_disk_commands_are_refused_and_traffic_goes_on(tmp_path: Path) -> None:
    """Nothing changes but health, which needs no disk; with room again the next command goes through."""
    with small_disk(tmp_path / "disk") as disk:
        async with running_core(disk.path / "bluegreen.db") as core:
            long = AddUpstream("shop", Color.GREEN, UpstreamWill("x" * 200_000 + ":1"))
            roomy = replace(core.controller.state)
            disk.fill()
            last = core.events.last_id
            for _ in range(2):
                with pytest.raises(StoreUnavailable):
                    await core.controller.execute(replace(long), by="ada")
            assert core.controller.state == roomy
            assert not core.controller.store_up
            await core.controller.observe(SICK)
            assert core.controller.state.generation == roomy.generation + 1
            disk.free()
            await core.controller.execute(TO_GREEN, by="ada")
            await until(lambda: core.controller.store_up)
            heard = await told(core.events, after=last, count=4)
            assert [event.name for event in heard] == [
                EventName.STORE_DOWN,
                EventName.OBSERVED,
                EventName.STORE_UP,
                EventName.CHANGED,
            ]
            assert await core.history() == ["switch", "start"]


async def test_on_a_full_disk_the_program_starts_with_what_is_stored(tmp_path: Path) -> None:
    """A start writes too, but serving does not depend on it; commands are refused until there is room."""
    with small_disk(tmp_path / "disk") as disk:
        async with running_core(disk.path / "bluegreen.db") as core:
            await core.controller.execute(TO_GREEN, by="ada")
            await core.controller.wait_ended("op-1", 10)
        disk.fill()
        async with running_core(disk.path / "bluegreen.db") as core:
            assert core.controller.state.services["shop"].split == FULL_SPLIT
            assert [worker.table and worker.table.services[0].split for worker in core.crew.workers] == [FULL_SPLIT] * 2
            with pytest.raises(StoreUnavailable):
                await core.controller.execute(TO_BLUE, by="ada")
            disk.free()
            await core.controller.execute(TO_BLUE, by="ada")


async def test_on_a_full_disk_the_end_of_an_operation_is_not_lost(tmp_path: Path) -> None:
    """It ends in memory and can be asked for; once there is room, it is written without anybody asking."""
    with small_disk(tmp_path / "disk") as disk:
        async with running_core(disk.path / "bluegreen.db") as core:
            request = core.crew.workers[0].admit()
            await core.controller.execute(TO_GREEN, by="ada", reason="x" * 20_000)
            disk.fill()
            await exhaust(core)
            request.end()
            over = await core.controller.wait_ended("op-1", 10)
            assert (over.state, over.receipt and over.receipt.finished_on_old) == (OperationState.SUCCEEDED, 1)
            assert not core.controller.store_up
            assert [o.phase for o in await core.controller.operations()] == [Phase.ENDED]
            stored = await core.store.operation("op-1")
            assert stored is not None
            assert stored.phase is Phase.APPLYING
            disk.free()
            await until(lambda: core.controller.store_up)
            assert await core.store.operation("op-1") == over


async def test_the_end_of_an_operation_is_written_at_the_latest_at_the_stop(tmp_path: Path) -> None:
    """A stop tries once more to write what is owed."""
    async with running_core(tmp_path / "db") as core:
        await core.controller.execute(SetSplit("shop", 1_000), by="ada")
        over = await core.controller.wait_ended("op-1", 10)
    async with running_core(tmp_path / "db") as core:
        assert await core.controller.operation("op-1") == over
