"""Whatever happens to a rollout, enough servers serve, it comes to an end, and nobody is left half out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.traffic.commands import Abort, ObserveEjection, ObserveHealth, Resume
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.model import Cohort, Health
from proxy.traffic.rollout.batches import available, required, total
from proxy.traffic.rollout.stages import COURSES, TURNS, UNDER_WAY, Course, Stage
from proxy.traffic.spec import Color
from tests.traffic.rollout.fleets import World, disturbances, worlds

LONGEST = 400
"""No undisturbed rollout of six servers takes so many steps."""


def disturbed(world: World, data: st.DataObject) -> None:
    """Some steps, most of them of whoever carries it on, while things happen."""
    for _ in range(data.draw(st.integers(0, 40))):
        what = data.draw(st.sampled_from(("go on", "go on", "move house", "disturb", "restart")))
        if what == "restart":
            world.restart()
            continue
        command = data.draw(disturbances(world)) if what == "disturb" else world.due(moves_house=what == "move house")
        if command is not None:
            step(world, command)


def step(world: World, command: object) -> None:
    """Carry it out and look whether too few are left by our own doing."""
    rollout, before = (world.rollout if world.operation else None), available(world.service, Color.BLUE)
    reduction = world.do(command)  # type: ignore[arg-type]
    if reduction is None or rollout is None or isinstance(command, ObserveHealth | ObserveEjection):
        return
    after, needed = available(world.service, Color.BLUE), required(world.service, rollout)
    assert after >= min(before, needed), f"{command} left {after} of {before} where {needed} are required"


def at_rest(world: World) -> None:
    """Everything gets healthy, and nobody interferes any more."""
    for upstream in world.service.blue:
        world.do(ObserveHealth("shop", Color.BLUE, upstream.address, Health.HEALTHY))
        world.do(ObserveEjection("shop", Color.BLUE, upstream.address, ejected=False))
    if world.operation:
        world.do(Resume(world.operation.id))


def to_its_end(world: World) -> None:
    """Carry it on until it is over."""
    for _ in range(LONGEST):
        command = world.due()
        if command is None:
            return
        step(world, command)


@given(worlds(), st.data())
def test_its_own_steps_never_leave_fewer_than_min_available(world: World, data: st.DataObject) -> None:
    """Servers may die by themselves; no step of ours takes one away that is needed."""
    disturbed(world, data)


@given(worlds(), st.data())
@settings(max_examples=200)
def test_it_ends_and_leaves_nobody_half_out(world: World, data: st.DataObject) -> None:
    """After any history, once everything is healthy again, it comes to one of its ends with nothing held back. Where
    traffic was forced onto so few servers that there never is room, it waits for somebody to abort it.
    """
    disturbed(world, data)
    at_rest(world)
    to_its_end(world)
    if world.operation and required(world.service, world.rollout) >= total(world.service, Color.BLUE):
        assert world.rollout.hindrance is Hindrance.CAPACITY
        world.do(Abort(world.operation.id))
    assert world.operation is None
    for upstream in world.service.blue:
        assert not upstream.cordoned
        assert (upstream.ramp, upstream.cohort) == (1.0, Cohort.NONE)
    if world.ended:
        assert not any(turn.stage in UNDER_WAY for turn in world.rollout.turns)
        assert world.rollout.course.value == world.ended.state.value


@given(worlds())
def test_undisturbed_it_updates_every_server_once(world: World) -> None:
    """All are done, each in one batch."""
    if world.operation is None:
        return
    to_its_end(world)
    assert world.rollout.course is Course.SUCCEEDED
    assert {turn.stage for turn in world.rollout.turns} == {Stage.DONE}
    assert sorted({turn.batch for turn in world.rollout.turns}) == list(range(1, world.rollout.batch + 1))


@given(worlds(), st.data())
def test_a_restart_changes_nothing(world: World, data: st.DataObject) -> None:
    """What is stored of a rollout is all of it."""
    disturbed(world, data)
    before, pool = world.operation, world.service.blue
    world.restart()
    observed = [replace(each, health=Health.UNKNOWN, ejected=False) for each in pool]
    assert [replace(each, health=Health.UNKNOWN) for each in world.service.blue] == observed
    assert (before and before.rollout) == (world.operation and world.operation.rollout)


def test_the_tables_lead_to_an_end_from_everywhere() -> None:
    """Every stage can be reached and left, unless it is an end; the same of courses."""
    assert {stage for stage, _ in TURNS} == set(Stage)
    assert set(TURNS.values()) == set(Stage)
    ends = {Course.SUCCEEDED, Course.ABORTED, Course.FAILED, Course.ROLLED_BACK}
    assert {course for course, _ in COURSES} == set(Course) - ends
    assert set(COURSES.values()) == set(Course) - {Course.ROLLING}
