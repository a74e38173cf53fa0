"""What goes on beside a rollout: what moves traffic, what changes its pool, and what is noticed of it."""

from __future__ import annotations

from dataclasses import replace

from proxy.traffic.commands import (
    Abort,
    AdvanceShift,
    ChangeUpstream,
    Configure,
    MarkApplied,
    ObserveHealth,
    RemoveUpstream,
    ReplacePool,
    Rollback,
    StartShift,
    Switch,
    UpstreamWill,
)
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.model import FULL_SPLIT, Health, Phase
from proxy.traffic.refusal import RefusalCode
from proxy.traffic.rollout.commands import StartRollout
from proxy.traffic.rollout.stages import Course, Stage
from proxy.traffic.shift import Position, Step
from proxy.traffic.spec import Color
from tests.traffic.rollout.fleets import PLAN, World, finish, in_table, refusal, rolling, until


def test_traffic_may_leave_a_color_that_is_updated_but_not_come_to_it() -> None:
    """Who is in trouble can always go; who wants to come has to insist. A shift waits for its end."""
    world = until(rolling(), Stage.UPDATING, batch=1)
    assert refusal(world, StartShift("shop", Color.GREEN, 10_000, over=60.0)) is RefusalCode.OPERATION_RUNNING
    assert world.do(Switch("shop", Color.GREEN))
    world.state = replace(world.state, operations={"op-2": world.state.operations["op-2"]})
    assert refusal(world, Switch("shop", Color.BLUE)) is RefusalCode.OPERATION_RUNNING
    assert world.do(Switch("shop", Color.BLUE, force=True))


def test_no_rollout_begins_beside_a_shift_or_another_rollout() -> None:
    """One after the other."""
    world = World(4, 0)
    world.do(StartShift("shop", Color.GREEN, 10_000, over=60.0))
    assert refusal(world, StartRollout("shop", Color.BLUE, PLAN)) is RefusalCode.OPERATION_RUNNING
    assert refusal(rolling(), StartRollout("shop", Color.GREEN, PLAN)) is RefusalCode.OPERATION_RUNNING


def test_no_rollout_begins_beside_a_shift_that_has_arrived_and_still_drains() -> None:
    """The judge may yet take it back, and it is watched for a while afterwards: onto servers that are updated."""
    world = World(4, 0)
    world.do(StartShift("shop", Color.GREEN, FULL_SPLIT, steps=(Step(FULL_SPLIT),)))
    shift = world.state.operation_of("shop")
    assert shift is not None
    position = Position(0, opened=True)
    world.do(AdvanceShift(shift.id, Position(0), position))
    arrived = world.state.operations[shift.id]
    assert arrived.receipt is not None
    world.do(MarkApplied(shift.id, arrived.receipt))
    assert world.state.operations[shift.id].phase is Phase.DRAINING
    for color in Color:
        assert refusal(world, StartRollout("shop", color, PLAN)) is RefusalCode.OPERATION_RUNNING


def test_the_only_server_of_a_color_that_becomes_live_is_left_alone() -> None:
    """Though it was asked for when nobody was served there: it waits until somebody aborts it."""
    world = rolling(servers=1, split=FULL_SPLIT)
    assert world.do(Switch("shop", Color.BLUE, force=True))
    finish(world)
    assert world.operation is not None
    assert (world.rollout.hindrance, in_table(world)) == (Hindrance.CAPACITY, ["10.0.0.1:80"])
    world.do(Abort(world.operation.id))
    assert world.rollout.course is Course.ABORTED


def test_aborting_a_switch_moves_no_traffic_onto_a_color_that_is_updated() -> None:
    """As a rollback does not, unless it is forced."""
    world = World(4, 0)
    world.do(Switch("shop", Color.GREEN))
    switch = world.state.operation_of("shop")
    assert switch is not None
    assert switch.receipt is not None
    world.do(MarkApplied(switch.id, switch.receipt))
    assert world.do(StartRollout("shop", Color.BLUE, PLAN))
    until(world, Stage.UPDATING, batch=1)
    for command in (Abort(switch.id), Rollback("shop")):
        assert refusal(world, command) is RefusalCode.OPERATION_RUNNING
    assert world.do(Rollback("shop", force=True))


def test_operators_leave_the_batch_alone_and_may_change_the_rest() -> None:
    """What is out is the rollout's; a server that is removed before its turn has none."""
    world = until(rolling(), Stage.UPDATING, batch=1)
    out = ChangeUpstream("shop", Color.BLUE, "10.0.0.1:80", weight=3)
    assert refusal(world, out) is RefusalCode.OPERATION_RUNNING
    wills = (UpstreamWill("10.0.0.2:80"),)
    assert refusal(world, ReplacePool("shop", Color.BLUE, wills, force=True)) is RefusalCode.OPERATION_RUNNING
    assert world.do(RemoveUpstream("shop", Color.BLUE, "10.0.0.4:80"))
    assert finish(world).rollout.course is Course.SUCCEEDED
    assert len(world.rollout.turns) == 3


def test_a_reload_may_take_away_the_server_that_is_out() -> None:
    """Then there is nothing left to do for it, and the next one's turn comes."""
    world = until(rolling(), Stage.UPDATING, batch=1)
    spec = world.service.spec
    world.do(Configure(world.state.door, (replace(spec, blue=spec.blue[1:]),)))
    assert world.rollout.stage is None
    assert finish(world).rollout.course is Course.SUCCEEDED


def test_what_is_noticed_of_a_server_that_is_out_does_not_count() -> None:
    """It comes back through checks of its own."""
    world = until(rolling(), Stage.UPDATING, batch=1)
    world.do(ObserveHealth("shop", Color.BLUE, "10.0.0.1:80", Health.HEALTHY))
    assert world.service.blue[0].health is Health.UNKNOWN
