"""What operators and trouble make of a rollout, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.traffic.commands import (
    Abort,
    ChangeUpstream,
    Fail,
    ObserveHealth,
    Pause,
    Promote,
    Resume,
)
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.model import Cohort, Health, OperationState, Receipt
from proxy.traffic.refusal import RefusalCode
from proxy.traffic.rollout.batches import next_batch, required
from proxy.traffic.rollout.commands import MarkReady, MoveBatch, OpenBatch, StartRollout, TakeBatch
from proxy.traffic.rollout.plan import Amount, ManualHook, OnFailure, Order, RolloutPlan, SlowStart
from proxy.traffic.rollout.rollout import hook_version
from proxy.traffic.rollout.stages import Course, Event, Stage
from proxy.traffic.rollout.warming import ramp_at
from proxy.traffic.spec import AdminState, Color
from proxy.traffic.table import compile_table
from tests.traffic.rollout.fleets import PLAN, World, finish, in_table, refusal, rolling, stages, until

RESTORING = replace(PLAN, on_failure=OnFailure.RESTORE, previous_version="v1", version="v2")


def test_a_batch_is_out_of_the_table_until_it_is_healthy() -> None:
    """From being taken until its checks are good, and not longer, a server gets nothing."""
    world = until(rolling(), Stage.CORDONED, batch=1)
    assert "10.0.0.1:80" not in in_table(world)
    until(world, Stage.PROBING, batch=1)
    assert "10.0.0.1:80" not in in_table(world)
    until(world, Stage.WARMING, batch=1)
    assert in_table(world)[0] == "10.0.0.1:80"


def test_a_server_that_is_back_has_a_part_of_its_weight_that_grows() -> None:
    """A tenth at first, everything in the end, and the others theirs all the time."""
    world = until(rolling(), Stage.WARMING, batch=1)
    assert [each.weight for each in compile_table(world.state).services[0].blue] == [10, 100, 100, 100]
    command = world.due()
    assert command
    world.do(command)
    assert [each.weight for each in compile_table(world.state).services[0].blue] == [33, 100, 100, 100]
    until(world, Stage.WATCHED, batch=1)
    assert [each.weight for each in compile_table(world.state).services[0].blue] == [1, 1, 1, 1]


def test_weights_grow_by_floor_and_exponent() -> None:
    """``max(floor, (t / over) ** exponent)``, in whole hundredths, and never nothing."""
    steep = SlowStart(over=10.0, floor=0.2, exponent=2.0)
    assert [ramp_at(steep, second) for second in (0, 5, 8, 10, 11)] == [0.2, 0.25, 0.64, 1.0, 1.0]
    assert ramp_at(SlowStart(over=0.0), 0.0) == 1.0
    assert ramp_at(SlowStart(over=10.0, floor=0.0), 0.0) == 0.01


@pytest.mark.parametrize("judged", [True, False])
def test_updated_servers_are_told_from_the_others(*, judged: bool) -> None:
    """Who is back is on the other side, judged or not; afterwards nobody is on any."""
    world = until(rolling(replace(PLAN, judged=judged)), Stage.WARMING, batch=1)
    assert [each.cohort for each in world.service.blue] == [Cohort.UPDATED, Cohort.OLD, Cohort.OLD, Cohort.OLD]
    finish(world)
    assert {each.cohort for each in world.service.blue} == {Cohort.NONE}


def test_who_is_restored_is_an_old_one_again_and_not_before() -> None:
    """Until it is back it may answer as badly as before, and that is told of the updated ones."""
    world = until(rolling(RESTORING), Stage.WATCHED, batch=2)
    operation = world.operation
    assert operation is not None
    world.do(Fail(operation.id, "bad"))
    assert [each.cohort.value for each in world.service.blue] == ["updated", "updated", "old", "old"]
    until(world, Stage.WARMING, batch=3)
    assert [each.cohort.value for each in world.service.blue] == ["updated", "old", "old", "old"]


def test_the_batch_shrinks_to_the_room_there_is() -> None:
    """Of two asked for only one may go when one is ill, and none when two are: but the ill ones themselves may."""
    plan = replace(PLAN, batch=Amount(count=2), min_available=Amount(count=2))
    world = rolling(plan)
    assert next_batch(world.service, world.rollout, {}) == ("10.0.0.1:80", "10.0.0.2:80")
    world.do(ObserveHealth("shop", Color.BLUE, "10.0.0.4:80", Health.UNHEALTHY))
    assert next_batch(world.service, world.rollout, {}) == ("10.0.0.1:80", "10.0.0.4:80")
    world.do(ObserveHealth("shop", Color.BLUE, "10.0.0.3:80", Health.UNHEALTHY))
    assert next_batch(world.service, world.rollout, {}) == ("10.0.0.3:80", "10.0.0.4:80")


def test_the_least_loaded_go_first_if_that_is_asked_for() -> None:
    """In the order of what is in flight; otherwise as they are listed."""
    plan = replace(PLAN, order=Order.LEAST_LOADED, batch=Amount(count=2))
    world = rolling(plan)
    loads = {"10.0.0.1:80": 5, "10.0.0.2:80": 1, "10.0.0.4:80": 2}
    assert next_batch(world.service, world.rollout, loads) == ("10.0.0.3:80", "10.0.0.2:80")


def test_the_first_batch_may_have_a_size_and_a_watch_of_its_own() -> None:
    """One at first, looked at for longer; then half of them at a time."""
    plan = replace(PLAN, batch=Amount(share=0.5), first_batch=Amount(count=1), first_watch=120.0, watch=30.0)
    world = until(rolling(plan), Stage.WATCHED, batch=1)
    assert (len(world.rollout.under_way), world.rollout.watch) == (1, 120.0)
    until(world, Stage.WATCHED, batch=2)
    assert (len(world.rollout.under_way), world.rollout.watch) == (2, 30.0)


def test_a_batch_without_room_is_refused() -> None:
    """Whatever whoever carries it on believes: the reducer counts by itself."""
    world = rolling(replace(PLAN, min_available=Amount(count=3)))
    both = ("10.0.0.1:80", "10.0.0.2:80")
    assert refusal(world, TakeBatch("op-2", both)) is RefusalCode.NO_ROOM


@pytest.mark.parametrize(
    ("servers", "plan", "code"),
    [
        (1, PLAN, RefusalCode.LAST_UPSTREAM),
        (4, replace(PLAN, min_available=Amount(count=4)), RefusalCode.NO_ROOM),
        (4, replace(PLAN, on_failure=OnFailure.RESTORE), RefusalCode.NO_WAY_BACK),
        (4, replace(RESTORING, hook=ManualHook()), RefusalCode.NO_WAY_BACK),
    ],
    ids=["the last server", "no room for anybody", "no version to go back to", "nobody to bring it back"],
)
def test_what_cannot_end_well_is_refused_at_once(servers: int, plan: RolloutPlan, code: RefusalCode) -> None:
    """Before anything is touched."""
    assert refusal(World(servers, 0), StartRollout("shop", Color.BLUE, plan)) is code


def test_the_only_server_is_updated_by_force_or_where_nobody_is_served() -> None:
    """A color without traffic needs no room, and who insists gets his way."""
    assert finish(rolling(servers=1, split=10_000)).rollout.course is Course.SUCCEEDED
    forced = World(1, 0)
    assert forced.do(StartRollout("shop", Color.BLUE, PLAN, force=True))
    assert finish(forced).rollout.course is Course.SUCCEEDED


def test_servers_in_maintenance_are_left_alone() -> None:
    """They are none of its turns, and one that is put into maintenance meanwhile leaves them."""
    world = World(4, 0)
    world.do(ChangeUpstream("shop", Color.BLUE, "10.0.0.1:80", admin=AdminState.MAINT))
    assert world.do(StartRollout("shop", Color.BLUE, PLAN))
    assert [turn.address for turn in world.rollout.turns] == ["10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"]
    world.do(ChangeUpstream("shop", Color.BLUE, "10.0.0.4:80", admin=AdminState.MAINT))
    assert finish(world).rollout.course is Course.SUCCEEDED
    assert [turn.address for turn in world.rollout.turns] == ["10.0.0.2:80", "10.0.0.3:80"]


@pytest.mark.parametrize("stage", [Stage.UPDATING, Stage.PROBING, Stage.WARMING, Stage.WATCHED])
def test_a_bad_first_batch_stays_out_and_nobody_else_is_touched(stage: Stage) -> None:
    """It ends as failed; that server is for the operator to let in again."""
    world = until(rolling(), stage, batch=1)
    assert world.do(Fail("op-2", "it answers 500"))
    assert world.ended
    assert (world.ended.state, world.ended.note) == (OperationState.FAILED, "it answers 500")
    assert stages(world) == ["failed", "serving", "serving", "serving"]
    assert [each.admin.value for each in world.service.blue] == ["drain", "ready", "ready", "ready"]
    assert world.rollout.turns[0].why == "it answers 500"


def test_what_is_out_but_not_touched_yet_is_put_back_when_an_earlier_batch_turns_out_bad() -> None:
    """Only servers that may run the new version are blamed."""
    world = until(rolling(), Stage.DRAINING, batch=2)
    world.do(Fail("op-2", "the updated ones are slow"))
    assert stages(world) == ["done", "serving", "serving", "serving"]
    assert in_table(world) == ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"]


def test_a_bad_server_serves_on_where_too_few_would_be_left() -> None:
    """When others have died meanwhile, a bad one is better than too few."""
    world = until(rolling(replace(PLAN, min_available=Amount(count=3))), Stage.WATCHED, batch=1)
    world.do(ObserveHealth("shop", Color.BLUE, "10.0.0.4:80", Health.UNHEALTHY))
    world.do(Fail("op-2", "it is slow"))
    assert "10.0.0.1:80" in in_table(world)
    assert "it serves on" in (world.rollout.turns[0].why or "")


def test_of_a_bad_batch_as_many_serve_on_as_are_needed() -> None:
    """Not all of them, and not none: each that is taken out leaves less room for the next."""
    pair, needed = Amount(count=2), Amount(count=3)
    world = until(rolling(replace(PLAN, batch=pair, min_available=needed), servers=5), Stage.WATCHED, batch=1)
    world.do(ObserveHealth("shop", Color.BLUE, "10.0.0.5:80", Health.UNHEALTHY))
    world.do(Fail("op-2", "it is bad"))
    assert in_table(world) == ["10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"]


def test_a_restore_takes_every_touched_server_back_the_last_first() -> None:
    """With the same care, and hooks are told the version of before; those that never changed are left alone."""
    world = until(rolling(RESTORING), Stage.WATCHED, batch=3)
    world.do(Fail("op-2", "v2 is bad"))
    assert world.rollout.course is Course.RESTORING
    order = []
    while world.operation:
        if world.rollout.stage is Stage.UPDATING:
            turn = world.rollout.under_way[0]
            order.append((turn.address, hook_version(world.rollout, turn)))
        command = world.due()
        assert command
        assert world.do(command)
    assert order == [("10.0.0.3:80", "v1"), ("10.0.0.2:80", "v1"), ("10.0.0.1:80", "v1")]
    assert world.ended
    assert (world.ended.state, world.ended.note) == (OperationState.ROLLED_BACK, "v2 is bad")
    assert in_table(world) == ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"]


def test_a_restore_leaves_alone_who_was_out_but_not_touched() -> None:
    """It runs what it ran before, and is put back at once."""
    world = until(rolling(RESTORING), Stage.DRAINING, batch=2)
    world.do(Fail("op-2", "it is bad"))
    assert [turn.address for turn in world.rollout.to_do] == ["10.0.0.1:80"]
    assert "10.0.0.2:80" in in_table(world)


def test_a_restore_waits_for_nobody_and_begins_with_the_batch_that_came_last() -> None:
    """In whatever order the servers had their turns, and though somebody had paused it."""
    world = rolling(RESTORING)
    world.do(OpenBatch("op-2"))
    world.do(TakeBatch("op-2", ("10.0.0.3:80",)))
    until(world, Stage.UPDATING, batch=2)
    world.do(Pause("op-2"))
    world.do(Fail("op-2", "it is bad"))
    assert world.operation is not None
    assert (world.operation.state, world.rollout.hindrance) == (OperationState.RUNNING, None)
    assert next_batch(world.service, world.rollout, {}) == ("10.0.0.1:80",)


def test_who_has_no_weight_does_not_count() -> None:
    """Of three servers that are meant to serve, 60 % are two."""
    world = World(4, 0)
    world.do(ChangeUpstream("shop", Color.BLUE, "10.0.0.4:80", weight=0))
    world.do(StartRollout("shop", Color.BLUE, replace(PLAN, min_available=Amount(share=0.6))))
    assert required(world.service, world.rollout) == 2


def test_a_restore_that_fails_too_stops() -> None:
    """It ends as failed, what was out stays out."""
    world = until(rolling(RESTORING), Stage.WATCHED, batch=2)
    world.do(Fail("op-2", "v2 is bad"))
    until(world, Stage.PROBING, batch=3)
    world.do(Fail("op-2", "v1 does not start"))
    assert world.ended
    assert world.ended.state is OperationState.FAILED
    assert in_table(world) == ["10.0.0.1:80", "10.0.0.3:80", "10.0.0.4:80"]


def test_an_abort_while_it_restores_still_brings_back_what_is_out() -> None:
    """The hook of the batch that is finished is told the version of before, and no other server is touched."""
    world = until(rolling(RESTORING), Stage.WATCHED, batch=2)
    world.do(Fail("op-2", "v2 is bad"))
    until(world, Stage.UPDATING, batch=3)
    world.do(Abort("op-2"))
    assert hook_version(world.rollout, world.rollout.under_way[0]) == "v1"
    assert finish(world).rollout.course is Course.ABORTED


def test_with_nothing_touched_there_is_nothing_to_restore() -> None:
    """A gate that is against the first batch fails it, plainly."""
    world = rolling(RESTORING)
    world.do(Fail("op-2", "the gate says no"))
    assert world.rollout.course is Course.FAILED


@pytest.mark.parametrize("stage", [Stage.CORDONED, Stage.DRAINING])
def test_abort_puts_back_what_was_not_touched(stage: Stage) -> None:
    """At once, and it is over."""
    world = until(rolling(), stage, batch=1)
    world.do(Abort("op-2"))
    assert world.rollout.course is Course.ABORTED
    assert len(in_table(world)) == 4


@pytest.mark.parametrize("stage", [Stage.UPDATING, Stage.PROBING, Stage.WARMING])
def test_abort_finishes_what_was_touched(stage: Stage) -> None:
    """The batch comes back, without being watched, and no other begins."""
    world = until(rolling(), stage, batch=1)
    world.do(Abort("op-2"))
    assert world.rollout.course is Course.ABORTING
    finish(world)
    assert (world.rollout.course, stages(world)) == (Course.ABORTED, ["done", "serving", "serving", "serving"])


def test_abort_does_not_wait_for_somebody_to_say_ready() -> None:
    """A server that is updated by hand comes back as soon as it is healthy."""
    world = until(rolling(replace(PLAN, hook=ManualHook())), Stage.UPDATING, batch=1)
    world.do(Abort("op-2"))
    assert world.rollout.stage is Stage.PROBING


def test_an_abort_tells_what_it_ends() -> None:
    """The rollout, or its restore."""
    plan = replace(RESTORING, batch=Amount(count=2), first_batch=Amount(count=2))
    forward, back = until(rolling(plan), Stage.PROBING, batch=1), until(rolling(plan), Stage.PROBING, batch=1)
    back.do(Fail("op-2", "it is bad"))
    until(back, Stage.UPDATING, batch=2)
    for world, before in ((forward, "rolling"), (back, "restoring")):
        assert world.operation is not None
        aborted = world.do(Abort(world.operation.id))
        assert aborted is not None
        assert [(each.before, each.after) for each in aborted.changes] == [(before, "aborting")]


def test_ready_is_believed_of_the_server_that_it_names() -> None:
    """Not of another one that is ready already, at the address where this one is said to be."""
    world = until(rolling(replace(PLAN, hook=ManualHook(), batch=Amount(count=2))), Stage.UPDATING, batch=1)
    assert world.operation is not None
    one, two = (turn.address for turn in world.rollout.under_way)
    assert world.do(MarkReady(world.operation.id, one))
    assert world.do(MarkReady(world.operation.id, one)), "said twice"
    assert refusal(world, MarkReady(world.operation.id, two, one)) is RefusalCode.DUPLICATE_UPSTREAM
    assert world.do(MarkReady(world.operation.id, two, "10.0.3.1:80"))


def test_a_pause_lets_the_batch_come_back_and_begins_no_other() -> None:
    """Until somebody resumes it."""
    world = until(rolling(), Stage.UPDATING, batch=1)
    world.do(Pause("op-2"))
    finish(world)
    assert (stages(world)[0], world.rollout.hindrance) == ("done", Hindrance.OPERATOR)
    world.do(Resume("op-2"))
    assert finish(world).rollout.course is Course.SUCCEEDED


def test_promote_ends_the_watch_of_a_batch_and_full_that_of_all() -> None:
    """The next batch is watched again, unless all of it was meant."""
    world = until(rolling(), Stage.WARMING, batch=1)
    world.do(Promote("op-2"))
    assert (world.rollout.warmed, world.rollout.watched) == (30.0, 120.0)
    until(world, Stage.WATCHED, batch=2)
    assert world.rollout.watch == 30.0
    world.do(Promote("op-2", full=True))
    until(world, Stage.WATCHED, batch=3)
    assert world.rollout.watch == 0.0


def test_the_receipt_adds_up_over_the_batches() -> None:
    """Numbers are summed, the longest time is kept."""
    world = rolling()
    for batch, slow in ((1, 5.0), (2, 3.0)):
        until(world, Stage.DRAINING, batch=batch)
        receipt = Receipt(1, applied_at=float(batch), in_flight_at_flip=2, finished_on_old=2, longest_ms=slow)
        world.do(MoveBatch("op-2", Stage.DRAINING, Event.DRAINED, receipt=receipt))
    assert world.operation
    told = world.operation.receipt
    assert told
    assert (told.in_flight_at_flip, told.finished_on_old, told.longest_ms, told.applied_at) == (4, 4, 5.0, 1.0)


def test_a_server_may_come_back_at_another_address() -> None:
    """It takes the place of the old one, which is gone."""
    world = until(rolling(), Stage.UPDATING, batch=1)
    move = MoveBatch("op-2", Stage.UPDATING, Event.UPDATED, {"10.0.0.1:80": "10.0.9.9:81"})
    world.do(move)
    assert world.service.blue[0].address == "10.0.9.9:81"
    assert world.rollout.turns[0].was == "10.0.0.1:80"
    finish(world)
    assert in_table(world)[0] == "10.0.9.9:81"


def test_no_server_comes_back_where_another_one_is() -> None:
    """Two would be one."""
    world = until(rolling(), Stage.UPDATING, batch=1)
    move = MoveBatch("op-2", Stage.UPDATING, Event.UPDATED, {"10.0.0.1:80": "10.0.0.2:80"})
    assert refusal(world, move) is RefusalCode.DUPLICATE_UPSTREAM


def test_a_forced_rollout_of_the_only_server_that_fails_leaves_it_in() -> None:
    """A server that might answer is better than none."""
    world = World(1, 0)
    world.do(StartRollout("shop", Color.BLUE, PLAN, force=True))
    until(world, Stage.PROBING, batch=1)
    world.do(Fail("op-2", "it does not come up"))
    assert in_table(world) == ["10.0.0.1:80"]
