"""What a command did to the state, and the few steps that all commands share."""

from __future__ import annotations

from dataclasses import dataclass, replace

from proxy.traffic.commands import Context
from proxy.traffic.model import (
    FULL_SPLIT,
    Operation,
    OperationKind,
    OperationState,
    Phase,
    Receipt,
    Service,
    State,
)
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import AdminState, Color

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that became another, for the journal and for the plan of a dry run."""

    path: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Reduction:
    """The next state, and what there is to tell about it."""

    state: State
    operation: Operation | None = None
    """The operation that the command began, or joined."""
    ended: tuple[Operation, ...] = ()
    """Operations that are over because of it."""
    changes: tuple[Change, ...] = ()
    durable: bool = False
    """Whether it has to be on disk before it is served."""


def find_service(state: State, name: str, context: Context) -> Service:
    """The service of that name, at the revision that the caller believes in."""
    service = state.services.get(name)
    if service is None:
        known = ", ".join(state.services) or "none"
        raise Refused(RefusalCode.SERVICE_NOT_FOUND, f"no service is called {name!r}; there are: {known}")
    expected = context.expected_revision
    if expected is not None and expected != service.revision:
        raise Refused(
            RefusalCode.REVISION_MISMATCH,
            f"service {name} is at revision {service.revision}, not {expected}: read it again and decide anew",
            revision=service.revision,
        )
    return service


def find_operation(state: State, operation_id: str) -> Operation:
    """The running operation of that id."""
    operation = state.operations.get(operation_id)
    if operation is None:
        raise Refused(RefusalCode.OPERATION_ENDED, f"operation {operation_id} is not running")
    return operation


def new_operation(
    state: State,
    service: Service,
    kind: OperationKind,
    after: int,
    leaving: tuple[tuple[Color, str | None], ...],
    context: Context,
) -> Operation:
    """The next operation, begun now. Its receipt is opened when the table that it asks for is published."""
    return Operation(
        id=f"op-{state.next_operation}",
        service=service.name,
        kind=kind,
        by=context.by,
        reason=context.reason,
        started_at=context.now,
        before=service.split,
        after=after,
        leaving=leaving,
        receipt=Receipt(generation=state.generation + 1),
    )


def with_operation(state: State, operation: Operation) -> State:
    """The state with a running operation as it is now."""
    return replace(state, operations={**state.operations, operation.id: operation})


def with_service(state: State, service: Service, operation: Operation | None = None) -> State:
    """The state with one service as the operator now wants it, and the operation that this began."""
    revised = replace(service, revision=service.revision + 1)
    after = replace(
        state,
        services={**state.services, service.name: revised},
        generation=state.generation + 1,
    )
    if operation is None:
        return after
    return replace(
        after,
        operations={**state.operations, operation.id: operation},
        next_operation=state.next_operation + 1,
    )


def end_operation(
    state: State, operation: Operation | None, result: OperationState, context: Context, note: str | None
) -> tuple[State, tuple[Operation, ...]]:
    """The state without a running operation, and that operation as it ended; nothing to end is fine."""
    if operation is None:
        return state, ()
    over = replace(operation, state=result, phase=Phase.ENDED, ended_at=context.now, note=note)
    remaining = {key: value for key, value in state.operations.items() if key != operation.id}
    return replace(state, operations=remaining), (over,)


def end_returned(state: State, context: Context) -> tuple[State, tuple[Operation, ...]]:
    """End the drains of upstreams that take new requests again: they never run dry, and must not be cut."""
    over: list[Operation] = []
    for operation in state.operations.values():
        if operation.rollout is not None:  # it takes its servers out, and back, by itself
            continue
        back = [address for address in _upstreams_left(operation) if _wanted(state, operation.service, *address)]
        if back:
            note = f"{', '.join(address for _, address in back)} takes new requests again"
            state, ended = end_operation(state, operation, OperationState.ABORTED, context, note)
            over += ended
    return state, tuple(over)


def _upstreams_left(operation: Operation) -> list[tuple[Color, str]]:
    return [(color, address) for color, address in operation.leaving if address is not None]


def _wanted(state: State, service: str, color: Color, address: str) -> bool:
    pool = state.services[service].pool(color) if service in state.services else ()
    return any(upstream.address == address and upstream.wanted for upstream in pool)


def forget_gone(state: State) -> State:
    """The state in which rollouts leave out servers that are no longer in their pool, or are in maintenance."""
    for operation in state.operations.values():
        rollout, service = operation.rollout, state.services.get(operation.service)
        if rollout is None or service is None:
            continue
        known = {each.address for each in service.pool(rollout.color) if each.admin is not AdminState.MAINT}
        if not all(turn.address in known for turn in rollout.turns):
            kept = replace(rollout, turns=tuple(turn for turn in rollout.turns if turn.address in known))
            state = with_operation(state, replace(operation, rollout=kept))
    return state


def refuse_beside(running: Operation | None) -> None:
    """Two operations cannot move the traffic of a service. Only one that drains gives way. Raises :class:`Refused`."""
    if running is None or running.phase is Phase.DRAINING:
        return
    applied = running.phase is Phase.APPLYING
    raise Refused(
        RefusalCode.OPERATION_RUNNING,
        f"{running.kind} {running.id} by {running.by} is {'being applied' if applied else running.state}; "
        f"wait for it, {'or' if applied else 'abort it, or'} roll it back",
        operation=running.id,
    )


def set_split(
    state: State,
    service: Service,
    split: int,
    kind: OperationKind,
    context: Context,
    over: tuple[Operation, ...],
) -> Reduction:
    """The state with another split at once, and the operation that this is; ``over`` are those it has ended."""
    moved = replace(service, split=split, previous_split=service.split, settled=None)
    leaving = left_colors(service.split, split)
    operation = new_operation(state, service, kind, split, leaving, context)
    return Reduction(
        cooled(with_service(state, moved, operation), service.name),
        operation=operation,
        ended=over,
        changes=(Change("split.green", service.split / 100, split / 100),),
        durable=True,
    )


def go_back(state: State, running: Operation, result: OperationState, note: str, context: Context) -> Reduction:
    """End a running operation and be where it began; how it ended is also why. What had not moved only ends."""
    service = state.services[running.service]
    state, over = end_operation(state, running, result, context, note)
    if service.split == running.before and running.phase in (Phase.SHIFTING, Phase.HOLDING):
        still = replace(service, settled=None, hold=None if running.exclusive else service.hold)
        if still != service:
            state = with_service(state, still)
        return Reduction(state, operation=over[0], ended=over, durable=True)
    return set_split(state, service, running.before, OperationKind.ROLLBACK, context, over)


def cooled(state: State, service: str) -> State:
    """The state in which a service is no longer watched for the sake of an earlier shift."""
    if service not in state.warm:
        return state
    return replace(state, warm={name: warmth for name, warmth in state.warm.items() if name != service})


def left_colors(before: int, after: int) -> tuple[tuple[Color, None], ...]:
    """The colors that have nothing any more when green's share goes from ``before`` to ``after``."""
    gone = []
    if before < FULL_SPLIT <= after:
        gone.append((Color.BLUE, None))
    if before > 0 >= after:
        gone.append((Color.GREEN, None))
    return tuple(gone)
