from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.control.rollout_progress import batches_to_come, rollout_progress, standing
from proxy.traffic.gates import Gates, Moment
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.model import Operation, OperationKind, OperationState, Phase
from proxy.traffic.rollout.plan import Amount, Order, RolloutPlan, SlowStart, WebhookHook
from proxy.traffic.rollout.rollout import Rollout, Turn
from proxy.traffic.rollout.stages import Course, Stage
from proxy.traffic.spec import Color

PLAN = RolloutPlan(
    WebhookHook("http://deploy.test/"),
    first_batch=Amount(count=1),
    first_watch=40.0,
    slow_start=SlowStart(over=20.0),
    watch=10.0,
)
"""After a batch is healthy: 60 seconds of the first, 30 of each other."""

START = 1_000.0


def operation(*turns: Turn, plan: RolloutPlan = PLAN, phase: Phase = Phase.ROLLING, **facts: Any) -> Operation:
    """A rollout that was started at ``START``."""
    batch = max((turn.batch for turn in turns), default=0)
    return Operation(
        "op-1",
        "shop",
        OperationKind.ROLL,
        "alice",
        None,
        START,
        0,
        0,
        (),
        OperationState.RUNNING,
        phase,
        rollout=Rollout(Color.BLUE, plan, turns, **{"batch": batch, **facts}),
    )


def left(found: Operation, now: float) -> tuple[float | None, dict[str, float | None]]:
    """Seconds that are left, in all and of each server."""
    assert found.rollout is not None
    progress = rollout_progress(found, found.rollout, now)
    return progress.left, dict(progress.servers)


def done(address: str, batch: int, at: float) -> Turn:
    """A server that was through so long after the start."""
    return Turn(address, Stage.DONE, START + at, batch)


def at(address: str, stage: Stage, since: float, batch: int = 1) -> Turn:
    """A server that has been at a stage since so long after the start."""
    return Turn(address, stage, START + since, batch)


@pytest.mark.parametrize("stage", [Stage.CORDONED, Stage.DRAINING, Stage.UPDATING, Stage.PROBING])
def test_before_the_first_batch_is_healthy_nothing_is_known(stage: Stage) -> None:
    """Nobody can tell how long this update takes."""
    assert left(operation(at("a", stage, 3), Turn("b")), START + 5) == (None, {"a": None, "b": None})


def test_the_batch_that_is_back_takes_what_the_plan_says() -> None:
    """What is left of its slow start and its watch; the next one takes as long to get there as this one did: 15 s."""
    found = operation(at("a", Stage.WARMING, 15), Turn("b"), warmed=5.0)
    assert left(found, START + 20) == (55.0 + 15.0 + 30.0, {"a": 55.0, "b": 100.0})
    watched = operation(at("a", Stage.WATCHED, 35), Turn("b"), warmed=20.0, watched=10.0)
    assert left(watched, START + 45) == (30.0 + 15.0 + 30.0, {"a": 30.0, "b": 75.0})


def test_batches_that_are_through_tell_how_long_the_next_takes() -> None:
    """What they took beyond slow start and watch: 15 s here, of which 5 are over."""
    found = operation(done("a", 1, 75), at("b", Stage.UPDATING, 77, batch=2), Turn("c"))
    assert left(found, START + 80) == (40.0 + 45.0, {"a": 0.0, "b": 40.0, "c": 85.0})


def test_a_pause_between_two_batches_does_not_count_for_all() -> None:
    """The middle one of what they took is gone by, the quicker one of two: 10 s of 10 and 500."""
    found = operation(done("a", 1, 70), done("b", 2, 600), Turn("c"))
    assert left(found, START + 600) == (40.0, {"a": 0.0, "b": 0.0, "c": 40.0})


def test_one_that_takes_longer_than_the_others_is_due_at_any_time() -> None:
    """And not in the past."""
    found = operation(done("a", 1, 75), at("b", Stage.UPDATING, 77, batch=2))
    assert left(found, START + 500)[0] == 30.0


def test_a_clock_that_was_set_back_makes_nothing_longer() -> None:
    """A batch that seems to begin only in an hour takes as long as the one before it."""
    found = operation(done("a", 1, 75), at("b", Stage.UPDATING, 77, batch=2))
    assert left(found, START - 3600)[0] == left(found, START + 75)[0]


@pytest.mark.parametrize("hindrance", list(Hindrance))
def test_what_waits_has_no_end(hindrance: Hindrance) -> None:
    """But for the batch that is under way: that is finished."""
    found = operation(at("a", Stage.WATCHED, 35), Turn("b"), watched=10.0, hindrance=hindrance)
    assert left(found, START + 45) == (None, {"a": 30.0})


def test_what_somebody_does_by_hand_has_no_end() -> None:
    """However quick they were with the first one; the last one, once it is ready, has one."""
    by_hand = replace(PLAN, hook=RolloutPlan().hook)
    assert left(operation(done("a", 1, 75), at("b", Stage.UPDATING, 77, 2), plan=by_hand), START + 80)[0] is None
    assert left(operation(at("a", Stage.WARMING, 15), Turn("b"), plan=by_hand), START + 15)[0] is None
    last = operation(done("a", 1, 75), at("b", Stage.WATCHED, 100, 2), plan=by_hand, watched=4.0)
    assert left(last, START + 104)[0] == 6.0


@pytest.mark.parametrize(
    ("moment", "known"),
    [(Moment.BEFORE_START, True), (Moment.BEFORE_INCREASE, False), (Moment.BEFORE_PROMOTION, False)],
)
def test_what_somebody_has_to_approve_has_no_end(moment: Moment, *, known: bool) -> None:
    """Unless it was approved already."""
    plan = replace(PLAN, gates=Gates(approvals=(moment,)))
    found = operation(at("a", Stage.WARMING, 15), Turn("b"), plan=plan)
    assert (left(found, START + 15)[0] is not None) is known


def test_nobody_can_tell_who_is_next_where_that_depends_on_the_load() -> None:
    """When all are through is known all the same."""
    plan = replace(PLAN, order=Order.LEAST_LOADED)
    found = operation(at("a", Stage.WARMING, 15), Turn("b"), Turn("c"), plan=plan)
    assert left(found, START + 15) == (60.0 + 45.0 + 45.0, {"a": 60.0})


def test_a_restore_has_times_of_its_own() -> None:
    """What it took to break something says little of how long it takes to mend it."""
    turns = (at("a", Stage.SERVING, 200, 1), at("b", Stage.UPDATING, 201, 3))
    assert left(operation(*turns, course=Course.RESTORING), START + 205)[0] is None
    back = (at("a", Stage.SERVING, 200, 1), at("b", Stage.WARMING, 212, 3))
    assert left(operation(*back, course=Course.RESTORING), START + 212) == (30.0 + 12.0 + 30.0, {"a": 72.0, "b": 30.0})


def test_an_abort_only_finishes_what_is_under_way() -> None:
    """Without watching it."""
    found = operation(at("a", Stage.WARMING, 15), Turn("b"), course=Course.ABORTING, warmed=5.0)
    assert left(found, START + 20) == (15.0, {"a": 15.0})
    assert found.rollout is not None
    assert rollout_progress(found, found.rollout, START + 20).batches == 1


def test_what_nobody_watches_any_more_is_quicker() -> None:
    """An operator has promoted all of it."""
    found = operation(at("a", Stage.WARMING, 15), Turn("b"), unwatched=True)
    assert left(found, START + 15)[0] == 20.0 + 15.0 + 20.0


def test_one_that_has_ended_stands_where_it_ended() -> None:
    """No time is left, and the elapsed time grows no more."""
    ended = replace(operation(done("a", 1, 75), Turn("b"), phase=Phase.ENDED), ended_at=START + 80)
    assert ended.rollout is not None
    progress = rollout_progress(ended, ended.rollout, START + 900)
    assert (progress.left, progress.elapsed, progress.batch, progress.batches) == (0.0, 80.0, 1, 1)
    assert progress.servers == {"a": 0.0}


@pytest.mark.parametrize(
    ("batch", "first", "sizes"),
    [
        (Amount(count=1), None, [1, 1, 1, 1, 1]),
        (Amount(count=2), Amount(count=1), [1, 2, 2]),
        (Amount(share=0.4), None, [2, 2, 1]),
        (Amount(share=0.1), Amount(count=3), [3, 1, 1]),
        (Amount(count=9), None, [5]),
    ],
)
def test_the_batches_to_come(batch: Amount, first: Amount | None, sizes: list[int]) -> None:
    """The first as asked for, then the others, and what remains."""
    plan = replace(PLAN, batch=batch, first_batch=first)
    rollout = operation(*(Turn(each) for each in "abcde"), plan=plan).rollout
    assert rollout is not None
    assert [len(turns) for turns in batches_to_come(rollout)] == sizes


def test_a_restore_begins_with_the_last_batch() -> None:
    """And in it with the last server."""
    turns = [at(each, Stage.SERVING, 1, batch) for each, batch in zip("abcd", (1, 1, 2, 0), strict=True)]
    rollout = operation(*turns, course=Course.RESTORING).rollout
    assert rollout is not None
    assert [turn.address for (turn,) in batches_to_come(rollout)] == ["c", "b", "a"]


def test_only_what_comes_further_is_told() -> None:
    """A stage, a hindrance, a course; not that time passes."""
    found = operation(at("a", Stage.WARMING, 15), Turn("b"))
    rollout = found.rollout
    assert rollout is not None
    same = replace(found, rollout=replace(rollout, warmed=7.0))
    assert standing(same) == standing(found)
    for changed in (
        replace(rollout, hindrance=Hindrance.OPERATOR),
        replace(rollout, course=Course.ABORTING),
        replace(rollout, turns=(at("a", Stage.WATCHED, 35), Turn("b"))),
    ):
        assert standing(replace(found, rollout=changed)) != standing(found)
