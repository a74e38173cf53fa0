from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from proxy.traffic.audience import HoldRule
from proxy.traffic.commands import (
    Abort,
    Command,
    EndOperation,
    FlipExclusive,
    GiveUpExclusive,
    Hold,
    MarkApplied,
    Release,
    Rollback,
    SetMaintenance,
    SetSplit,
    Switch,
)
from proxy.traffic.document import dump_state, restore_state
from proxy.traffic.holding import give_up_interrupted
from proxy.traffic.model import FULL_SPLIT, Health, OperationKind, OperationState, Phase, Receipt, State
from proxy.traffic.reducer import reduce
from proxy.traffic.reduction import Reduction
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import Color
from tests.traffic import states as world
from tests.traffic.states import CONTEXT, after, serving, with_healthy

RULE = HoldRule()
HOLD = Hold("shop", RULE)
RELEASE = Release("shop")
EXCLUSIVE = Switch("shop", Color.GREEN, exclusive=RULE)
TO_GREEN = Switch("shop", Color.GREEN)
APPLIED = MarkApplied("op-1", Receipt(generation=2, applied_at=1.0))


def reduced(state: State, command: Command) -> Reduction:
    """What a command leads to."""
    return reduce(state, command, CONTEXT)


def refusal(state: State, command: Command) -> Refused:
    """How a command is refused."""
    with pytest.raises(Refused) as caught:
        reduce(state, command, CONTEXT)
    return caught.value


def restarted(state: State) -> State:
    """The state with which a program starts after one that died."""
    document = json.loads(json.dumps(dump_state(state)))
    return restore_state(document, state.door, [service.spec for service in state.services.values()])


# --- hold and release


def test_a_hold_runs_until_it_is_released() -> None:
    """It is an operation that moves no traffic; released, it is over once every worker has seen that."""
    reduction = reduced(serving(), HOLD)
    operation = reduction.operation
    assert operation is not None
    assert (operation.kind, operation.phase, operation.state) == (
        OperationKind.HOLD,
        Phase.HOLDING,
        OperationState.RUNNING,
    )
    assert reduction.durable
    assert reduction.state.services["shop"].hold == RULE
    assert reduction.state.operation_of("shop") is None
    held = after(reduction.state, APPLIED)
    assert held.operations["op-1"].phase is Phase.HOLDING
    released = reduced(held, RELEASE)
    assert released.state.services["shop"].hold is None
    assert released.operation is not None
    assert released.operation.phase is Phase.APPLYING
    assert released.operation.receipt is not None
    assert released.operation.receipt.generation == released.state.generation
    assert refusal(released.state, APPLIED).code is RefusalCode.OPERATION_RUNNING  # news of the hold that come late
    over = reduced(released.state, MarkApplied("op-1", Receipt(generation=released.state.generation, applied_at=2.0)))
    assert over.ended[0].state is OperationState.SUCCEEDED
    assert not over.state.operations


def test_holding_twice_changes_the_rule() -> None:
    """The operation goes on under the new rule; the same rule changes nothing."""
    state = after(serving(), HOLD)
    other = reduced(state, Hold("shop", replace(RULE, max_requests=5)))
    assert other.operation is state.operations["op-1"]
    assert other.state.services["shop"].hold == replace(RULE, max_requests=5)
    assert other.state.services["shop"].revision == state.services["shop"].revision + 1
    assert reduced(state, HOLD).state is state


def test_a_hold_waits_for_the_release_before_it() -> None:
    """One operation holds at a time."""
    state = after(serving(), HOLD, RELEASE)
    assert refusal(state, HOLD).facts == {"operation": "op-1"}


def test_to_release_what_is_not_held_is_no_error() -> None:
    """A pipeline may clean up twice."""
    state = serving()
    assert reduced(state, RELEASE).state is state
    releasing = after(state, HOLD, RELEASE)
    assert reduced(releasing, RELEASE).operation is releasing.operations["op-1"]


def test_traffic_may_be_moved_while_it_is_held() -> None:
    """Hold, migrate, switch, release: the hold stays."""
    state = after(serving(), HOLD, TO_GREEN)
    assert state.services["shop"].split == FULL_SPLIT
    assert state.services["shop"].hold == RULE
    assert refusal(state, Abort("op-1")).code is RefusalCode.NOT_ABORTABLE


def test_a_hold_goes_on_after_a_restart() -> None:
    """Its operation, too."""
    state = restarted(after(serving(), HOLD))
    assert state.services["shop"].hold == RULE
    assert state.operations["op-1"].phase is Phase.HOLDING
    assert give_up_interrupted(state, CONTEXT).state is state


# --- maintenance


def test_maintenance_is_no_operation() -> None:
    """It changes the service, is told in the journal, and comes back after a restart."""
    reduction = reduced(serving(), SetMaintenance("shop", "back soon"))
    assert reduction.operation is None
    assert [(change.path, change.after) for change in reduction.changes] == [("maintenance", "back soon")]
    state = reduction.state
    assert restarted(state).services["shop"].maintenance == "back soon"
    assert reduced(state, SetMaintenance("shop", "back soon")).state is state
    assert after(state, SetMaintenance("shop", None)).services["shop"].maintenance is None


# --- exclusive switches


def test_an_exclusive_switch_holds_and_then_flips() -> None:
    """The split stays until the flip; then it is applied and drained as any switch is."""
    held = reduced(serving(), EXCLUSIVE)
    assert held.operation is not None
    assert (held.operation.kind, held.operation.phase, held.operation.exclusive) == (
        OperationKind.SWITCH,
        Phase.HOLDING,
        True,
    )
    service = held.state.services["shop"]
    assert (service.split, service.hold) == (0, replace(RULE, exclusive=True))
    flipped = reduced(held.state, FlipExclusive("op-1"))
    service = flipped.state.services["shop"]
    assert (service.split, service.previous_split, service.hold) == (FULL_SPLIT, 0, None)
    assert flipped.operation is not None
    assert (flipped.operation.phase, flipped.operation.leaving) == (Phase.APPLYING, ((Color.BLUE, None),))
    assert flipped.operation.receipt is not None
    assert flipped.operation.receipt.generation == flipped.state.generation
    over = after(flipped.state, APPLIED, EndOperation("op-1", OperationState.SUCCEEDED))
    assert not over.operations
    assert after(over, Rollback("shop")).services["shop"].split == 0


def test_one_that_takes_too_long_is_given_up() -> None:
    """What waits goes to the color that served before, and the operation says why it failed."""
    state = after(serving(), EXCLUSIVE)
    reduction = reduced(state, GiveUpExclusive("op-1", "3 requests were still running"))
    service = reduction.state.services["shop"]
    assert (service.split, service.previous_split, service.hold) == (0, None, None)
    assert (reduction.ended[0].state, reduction.ended[0].note) == (
        OperationState.FAILED,
        "3 requests were still running",
    )
    for late in (FlipExclusive("op-1"), GiveUpExclusive("op-1", "again")):
        assert refusal(reduction.state, late).code is RefusalCode.OPERATION_ENDED


@pytest.mark.parametrize(
    ("command", "ends"),
    [(Rollback("shop"), OperationState.ROLLED_BACK), (Abort("op-1"), OperationState.ABORTED)],
)
def test_while_it_holds_it_can_be_taken_back(command: Command, ends: OperationState) -> None:
    """Nothing has moved, so it only ends, and lets go."""
    reduction = reduced(after(serving(), EXCLUSIVE), command)
    assert reduction.state.services["shop"].hold is None
    assert reduction.state.services["shop"].split == 0
    assert [operation.state for operation in reduction.ended] == [ends]
    assert not reduction.state.operations


def test_it_is_refused_as_a_switch_is() -> None:
    """Towards a color that is not healthy, and beside one that is being applied; but not where it is so already."""
    state = serving()
    sick = with_healthy(state.services["shop"], Color.GREEN, health=Health.UNHEALTHY)
    assert refusal(replace(state, services={"shop": sick}), EXCLUSIVE).code is RefusalCode.COLOR_NOT_HEALTHY
    assert refusal(after(state, SetSplit("shop", 100)), EXCLUSIVE).code is RefusalCode.OPERATION_RUNNING
    there = reduced(state, Switch("shop", Color.BLUE, exclusive=RULE))
    assert there.operation is not None
    assert there.operation.state is OperationState.SUCCEEDED
    assert there.state.services["shop"].hold is None


def test_one_at_a_time() -> None:
    """While it holds, every other move, hold or release is refused and told of it; asked for again it is joined."""
    state = after(serving(), EXCLUSIVE)
    for command in (TO_GREEN, SetSplit("shop", 100), HOLD, RELEASE, Switch("shop", Color.BLUE, exclusive=RULE)):
        refused = refusal(state, command)
        assert (refused.code, refused.facts) == (RefusalCode.OPERATION_RUNNING, {"operation": "op-1"})
    assert reduced(state, EXCLUSIVE).operation is state.operations["op-1"]


def test_it_is_refused_while_somebody_holds() -> None:
    """It would have to release what others want held."""
    refused = refusal(after(serving(), HOLD), EXCLUSIVE)
    assert (refused.code, refused.facts) == (RefusalCode.OPERATION_RUNNING, {"operation": "op-1"})


def test_a_restart_gives_it_up() -> None:
    """Nobody knows any more what was in flight: the old color goes on, and the operation says so."""
    state = restarted(after(serving(), EXCLUSIVE))
    reduction = give_up_interrupted(state, CONTEXT)
    service = reduction.state.services["shop"]
    assert (service.split, service.hold) == (0, None)
    assert reduction.ended[0].state is OperationState.FAILED
    assert "the program was stopped" in (reduction.ended[0].note or "")
    assert not reduction.state.operations


@given(state=world.states())
def test_who_holds_can_always_be_found(state: State) -> None:
    """A service holds its requests exactly as long as an operation of its own does."""
    for name, service in state.services.items():
        holding = [op for op in state.operations.values() if op.service == name and op.phase is Phase.HOLDING]
        assert (service.hold is not None) == (len(holding) == 1)
        assert len(holding) <= 1
