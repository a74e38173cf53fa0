from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.commands import (
    Abort,
    ChangeUpstream,
    Command,
    Configure,
    Context,
    EndOperation,
    Hold,
    MarkApplied,
    Observation,
    Rollback,
    SetSplit,
    StartShift,
    Switch,
)
from proxy.traffic.configure import initial_state
from proxy.traffic.model import FULL_SPLIT, Health, OperationKind, OperationState, Phase, Receipt, State
from proxy.traffic.reducer import reduce
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import AdminState, Color, DoorSpec
from tests.traffic import states as world
from tests.traffic.states import CONTEXT, after, run, serving

TO_GREEN = Switch("shop", Color.GREEN)
TO_BLUE = Switch("shop", Color.BLUE)


def refusal(state: State, command: Command, context: Context = CONTEXT) -> Refused:
    """How a command is refused."""
    with pytest.raises(Refused) as caught:
        reduce(state, command, context)
    return caught.value


def applied(operation: str = "op-1") -> MarkApplied:
    """Every worker serves from the operation's table."""
    return MarkApplied(operation, Receipt(generation=2, applied_at=1.0))


# --- what holds for every command in every state


@given(state=world.states(), command=world.commands)
def test_every_command_is_accepted_or_refused(state: State, command: Command) -> None:
    """There is no (state, command) for which anything but a new state or one Refused comes out."""
    try:
        reduction = reduce(state, command, CONTEXT)
    except Refused:
        return
    assert reduction.state.generation >= state.generation


@given(start=world.starts, history=world.histories)
def test_generations_only_grow(start: State, history: list[Command]) -> None:
    """A generation is never used for two tables: it grows by one with every change that workers have to know."""
    for before, _, reduction in run(start, history):
        if reduction:
            grown = reduction.state.generation - before.generation
            routes_changed = (before.services, before.door) != (reduction.state.services, reduction.state.door)
            assert grown == (1 if routes_changed else 0)


@given(start=world.starts, history=world.histories)
def test_revisions_grow_exactly_with_the_operators_will(start: State, history: list[Command]) -> None:
    """A service's revision grows by one when an operator changes something about it, and never otherwise."""
    for before, command, reduction in run(start, history):
        if reduction is None:
            continue
        for name, old in before.services.items():
            new = reduction.state.services.get(name)
            if new is None:
                continue
            wanted = not isinstance(command, Observation) and replace(new, revision=old.revision) != old
            if isinstance(command, StartShift | Hold) and command.service == name:  # who decides by it has to know
                wanted |= bool(reduction.state.operations.keys() - before.operations.keys())
            assert new.revision - old.revision == (1 if wanted else 0)


@given(start=world.starts, history=world.histories)
def test_what_operators_want_and_how_operations_end_is_durable(start: State, history: list[Command]) -> None:
    """A command that changes anything is kept, and so is the end of an operation; what is only noticed is not."""
    for before, command, reduction in run(start, history):
        if reduction and reduction.state is not before:
            assert reduction.durable is (not isinstance(command, Observation) or bool(reduction.ended))


@given(start=world.starts, history=world.histories)
def test_operations_have_one_life(start: State, history: list[Command]) -> None:
    """Ids are never used again, running operations are all under way, and each ends once."""
    ended: set[str] = set()
    for before, _, reduction in run(start, history):
        if reduction is None:
            continue
        gone = before.operations.keys() - reduction.state.operations.keys()
        told = {operation.id for operation in reduction.ended}
        assert gone <= told
        assert not told & ended
        assert all(operation.phase is Phase.ENDED and operation.ended_at for operation in reduction.ended)
        ended |= told
        assert not reduction.state.operations.keys() & ended
        assert all(operation.phase is not Phase.ENDED for operation in reduction.state.operations.values())


@given(start=world.starts, history=world.histories)
def test_one_operation_moves_the_traffic_of_a_service(start: State, history: list[Command]) -> None:
    """However commands are mixed, two operations never move one service's traffic at the same time."""
    for _, _, reduction in run(start, history):
        if reduction:
            moving = [o.service for o in reduction.state.operations.values() if o.moves_traffic]
            assert len(moving) == len(set(moving))


@given(start=world.starts, history=world.histories)
def test_splits_stay_within_bounds_and_can_be_rolled_back(start: State, history: list[Command]) -> None:
    """A split is 0 to 10,000, and what a rollback would return to is another one."""
    for _, _, reduction in run(start, history):
        for service in reduction.state.services.values() if reduction else ():
            assert 0 <= service.split <= FULL_SPLIT
            assert service.previous_split != service.split


@given(state=world.states(), command=world.moves, revision=st.integers(1, 60))
def test_a_stale_revision_is_refused(
    state: State, command: Switch | SetSplit | Rollback | Abort, revision: int
) -> None:
    """With an expected revision a command is carried out at that revision or not at all."""
    if isinstance(command, Abort) or command.service not in state.services:
        return
    current = state.services[command.service].revision
    if current == revision:
        return
    refused = refusal(state, command, Context(now=1.0, by="ada", expected_revision=revision))
    assert refused.code is RefusalCode.REVISION_MISMATCH
    assert refused.facts["revision"] == current


@given(state=world.states(), command=world.moves)
def test_a_rollback_returns_to_the_split_before(state: State, command: Command) -> None:
    """Whatever moved the traffic, one forced rollback later the split is as it was."""
    try:
        moved = reduce(state, command, CONTEXT)
    except Refused:
        return
    if not moved.changes or moved.operation is None:
        return
    service = moved.operation.service
    back = after(moved.state, Rollback(service, force=True))
    assert back.services[service].split == state.services[service].split


# --- a switch


def test_a_switch_moves_everything_and_begins_an_operation() -> None:
    """The split is all green, the operation tells who, why, from where and to where, and blue is left to drain."""
    reduction = reduce(serving(), TO_GREEN, CONTEXT)
    assert reduction.state.services["shop"].split == FULL_SPLIT
    assert reduction.state.services["shop"].live is Color.GREEN
    operation = reduction.operation
    assert operation is not None
    assert operation == reduction.state.operations["op-1"]
    assert (operation.kind, operation.by, operation.reason) == (OperationKind.SWITCH, "ada", "five o'clock")
    assert (operation.before, operation.after, operation.leaving) == (0, FULL_SPLIT, ((Color.BLUE, None),))
    assert operation.receipt == Receipt(generation=reduction.state.generation)


@pytest.mark.parametrize("health", [Health.UNKNOWN, Health.UNHEALTHY])
def test_a_switch_to_a_color_that_is_not_healthy_is_refused(health: Health) -> None:
    """No upstream of green is known to answer: nothing moves."""
    state = serving()
    sick = world.with_healthy(state.services["shop"], Color.GREEN, health=health)
    refused = refusal(replace(state, services={"shop": sick}), TO_GREEN)
    assert (refused.code, refused.facts) == (RefusalCode.COLOR_NOT_HEALTHY, {"color": "green"})


@pytest.mark.parametrize("admin", [AdminState.DRAIN, AdminState.MAINT])
def test_a_healthy_upstream_that_is_not_wanted_is_no_reason_to_switch(admin: AdminState) -> None:
    """Health without the operator's will does not count."""
    commands = [ChangeUpstream("shop", Color.GREEN, a, admin=admin) for a in ("10.0.1.1:80", "10.0.1.2:80")]
    assert refusal(after(serving(), *commands), TO_GREEN).code is RefusalCode.COLOR_NOT_HEALTHY


def test_force_moves_the_traffic_all_the_same() -> None:
    """An operator who insists gets what they ask for."""
    state = initial_state(DoorSpec(), (world.shop(),))
    assert after(state, Switch("shop", Color.GREEN, force=True)).services["shop"].split == FULL_SPLIT


def test_without_active_checks_upstreams_are_taken_to_be_healthy() -> None:
    """Where nobody probes, nothing can be known, and a switch goes through."""
    state = initial_state(DoorSpec(), (world.shop(health=None),))
    assert after(state, TO_GREEN).services["shop"].split == FULL_SPLIT


def test_a_color_that_loses_traffic_need_not_be_healthy() -> None:
    """Only who gains traffic has to be able to serve it: away from a dying color is always possible."""
    state = serving()
    sick = world.with_healthy(state.services["shop"], Color.BLUE, health=Health.UNHEALTHY)
    assert after(replace(state, services={"shop": sick}), TO_GREEN).services["shop"].split == FULL_SPLIT


def test_a_switch_while_one_is_being_applied_is_refused() -> None:
    """The second names the first."""
    refused = refusal(after(serving(), TO_GREEN), TO_BLUE)
    assert (refused.code, refused.facts) == (RefusalCode.OPERATION_RUNNING, {"operation": "op-1"})


def test_a_switch_while_one_drains_takes_its_place() -> None:
    """The one that drains ends as aborted and says why; the new one runs."""
    reduction = reduce(after(serving(), TO_GREEN, applied()), TO_BLUE, CONTEXT)
    (over,) = reduction.ended
    assert (over.id, over.state, over.phase) == ("op-1", OperationState.ABORTED, Phase.ENDED)
    assert over.note
    assert list(reduction.state.operations) == ["op-2"]


def test_a_switch_to_where_the_traffic_is_succeeds_without_a_change() -> None:
    """A pipeline that asks again is told that it is so already; routes and revision stay, only the operation is new."""
    state = serving()
    reduction = reduce(state, TO_BLUE, CONTEXT)
    assert reduction.operation is not None
    assert reduction.operation.state is OperationState.SUCCEEDED
    assert reduction.ended == (reduction.operation,)
    assert reduction.durable
    assert reduction.state == replace(state, next_operation=2)


def test_asking_again_while_it_drains_joins_the_operation() -> None:
    """The same switch twice is one operation."""
    state = after(serving(), TO_GREEN, applied())
    reduction = reduce(state, TO_GREEN, CONTEXT)
    assert reduction.state is state
    assert reduction.operation == state.operations["op-1"]


def test_an_unknown_service_is_refused_with_those_there_are() -> None:
    """The refusal helps with the spelling."""
    refused = refusal(serving(), Switch("shpo", Color.GREEN))
    assert refused.code is RefusalCode.SERVICE_NOT_FOUND
    assert "shop" in refused.detail


# --- splits, rollback, abort


def test_a_partial_split_leaves_nothing_to_drain() -> None:
    """While both colors have traffic, no color is left behind."""
    reduction = reduce(serving(), SetSplit("shop", 1_250), CONTEXT)
    assert reduction.operation is not None
    assert reduction.operation.leaving == ()
    assert (reduction.changes[0].before, reduction.changes[0].after) == (0.0, 12.5)
    done = reduce(reduction.state, applied(), CONTEXT)
    assert [operation.state for operation in done.ended] == [OperationState.SUCCEEDED]


def test_a_rollback_goes_through_while_the_operation_is_being_applied() -> None:
    """The way back is never blocked by what one wants to go back from."""
    reduction = reduce(after(serving(), TO_GREEN), Rollback("shop"), CONTEXT)
    assert reduction.state.services["shop"].split == 0
    assert [(o.id, o.state, o.note) for o in reduction.ended] == [
        ("op-1", OperationState.ROLLED_BACK, "rolled back by ada")
    ]
    assert [o.kind for o in reduction.state.operations.values()] == [OperationKind.ROLLBACK]


def test_a_rollback_to_a_dead_color_has_to_be_forced() -> None:
    """Going back to where nothing answers is refused like going anywhere else where nothing answers."""
    state = after(serving(), TO_GREEN, applied())
    dead = replace(
        state, services={"shop": world.with_healthy(state.services["shop"], Color.BLUE, health=Health.UNHEALTHY)}
    )
    assert refusal(dead, Rollback("shop")).code is RefusalCode.COLOR_NOT_HEALTHY
    assert after(dead, Rollback("shop", force=True)).services["shop"].split == 0


def test_there_is_nothing_to_roll_back_at_first() -> None:
    """Before the first operation there is no split before it."""
    assert refusal(serving(), Rollback("shop")).code is RefusalCode.NOTHING_TO_ROLL_BACK


def test_an_abort_goes_back_to_where_the_operation_began() -> None:
    """The aborted operation ends, and one that moves back begins."""
    reduction = reduce(after(serving(), SetSplit("shop", 2_000)), Abort("op-1"), CONTEXT)
    assert reduction.state.services["shop"].split == 0
    assert [o.state for o in reduction.ended] == [OperationState.ABORTED]


def test_what_is_over_cannot_be_aborted() -> None:
    """An operation that has ended, or never was, is refused by name."""
    assert refusal(serving(), Abort("op-9")).code is RefusalCode.OPERATION_ENDED


def test_the_drain_of_an_upstream_cannot_be_aborted() -> None:
    """It moves no traffic; the refusal tells what to do instead."""
    state = after(serving(), ChangeUpstream("shop", Color.BLUE, "10.0.0.1:80", admin=AdminState.DRAIN))
    assert refusal(state, Abort("op-1")).code is RefusalCode.NOT_ABORTABLE


# --- how far an operation is


def test_an_operation_drains_once_it_is_applied() -> None:
    """Applied keeps it running until what it left has drained."""
    reduction = reduce(after(serving(), TO_GREEN), applied(), CONTEXT)
    assert reduction.state.operations["op-1"].phase is Phase.DRAINING
    assert not reduction.ended
    assert not reduction.durable


def test_an_operation_ends_with_its_receipt() -> None:
    """What was counted last is what stays; without a new receipt the one before stays."""
    state = after(serving(), TO_GREEN, applied())
    receipt = Receipt(generation=2, finished_on_old=3)
    (over,) = reduce(state, EndOperation("op-1", OperationState.SUCCEEDED, receipt), CONTEXT).ended
    assert (over.state, over.receipt, over.ended_at) == (OperationState.SUCCEEDED, receipt, CONTEXT.now)
    (over,) = reduce(state, EndOperation("op-1", OperationState.FAILED), CONTEXT).ended
    assert over.receipt == Receipt(generation=2, applied_at=1.0)


def test_operations_of_a_service_that_is_gone_have_failed() -> None:
    """A reload that takes a service out ends what ran there."""
    reduction = reduce(after(serving(), TO_GREEN), Configure(DoorSpec(), ()), CONTEXT)
    assert [(o.id, o.state) for o in reduction.ended] == [("op-1", OperationState.FAILED)]
    assert reduction.state.operations == {}
