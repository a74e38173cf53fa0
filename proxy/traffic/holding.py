"""Commands that let new requests wait, or turn users away: hold, release, maintenance, and exclusive switches.

An exclusive switch holds requests first, and moves the traffic only when nothing is in flight any more: so two versions
never serve at the same time. It ends by the flip, or is given up and lets requests go where they would have gone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from proxy.traffic.audience import HoldRule
from proxy.traffic.commands import Context, FlipExclusive, GiveUpExclusive, Hold, Release, SetMaintenance
from proxy.traffic.model import Operation, OperationKind, OperationState, Phase, Service, State
from proxy.traffic.reduction import (
    Change,
    Reduction,
    cooled,
    end_operation,
    find_operation,
    find_service,
    left_colors,
    new_operation,
    with_operation,
    with_service,
)
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import Color

_BOTH: Final = tuple((color, None) for color in Color)
"""What is in flight on either color when requests begin to be held is waited for."""

HoldingCommand = Hold | Release | SetMaintenance | FlipExclusive | GiveUpExclusive


def reduce_holding(state: State, command: HoldingCommand, context: Context) -> Reduction:
    """The state after requests were parked, released, or turned away.

    Raises:
        Refused: it makes no sense now.
    """
    match command:
        case Hold():
            return _hold(state, command, context)
        case Release():
            return _release(state, command, context)
        case SetMaintenance():
            return _set_maintenance(state, command, context)
        case FlipExclusive():
            return _flip(state, command)
        case GiveUpExclusive():
            return _give_up(state, command, context)


def begin_exclusive(
    state: State, service: Service, target: int, rule: HoldRule, context: Context, over: tuple[Operation, ...]
) -> Reduction:
    """Hold the requests of a service until both colors are drained; the split is as before. ``over`` has ended."""
    operation = replace(
        new_operation(state, service, OperationKind.SWITCH, target, _BOTH, context), phase=Phase.HOLDING, exclusive=True
    )
    held = replace(service, hold=replace(rule, exclusive=True))
    changes = (Change("exclusive.green", service.split / 100, target / 100), *_hold_changes(service, held))
    return Reduction(with_service(state, held, operation), operation, over, changes, durable=True)


def refuse_held(state: State, service: Service) -> None:
    """An exclusive switch releases what it holds. Raises :class:`Refused` where somebody holds already."""
    if service.hold is not None and (holding := holding_of(state, service.name)):
        detail = f"{holding.kind} {holding.id} by {holding.by} holds the requests already; release them first"
        raise Refused(RefusalCode.OPERATION_RUNNING, detail, operation=holding.id)


def holding_of(state: State, service: str) -> Operation | None:
    """The running operation that holds a service's requests, or lets them go just now."""
    for operation in state.operations.values():
        holds = operation.kind is OperationKind.HOLD or operation.phase is Phase.HOLDING
        if operation.service == service and holds:
            return operation
    return None


def give_up_interrupted(state: State, context: Context) -> Reduction:
    """The state to start with: exclusive switches that were holding requests when the program died are over."""
    over: list[Operation] = []
    for operation in tuple(state.operations.values()):
        if operation.exclusive and operation.phase is Phase.HOLDING:
            why = "the program was stopped before the old color had drained: requests go there as before"
            reduction = _give_up(state, GiveUpExclusive(operation.id, why), context)
            state = reduction.state
            over += reduction.ended
    return Reduction(state, ended=tuple(over))


def _hold(state: State, command: Hold, context: Context) -> Reduction:
    service = find_service(state, command.service, context)
    running = holding_of(state, service.name)
    held = replace(service, hold=replace(command.rule, exclusive=False))
    if running is None:
        operation = replace(
            new_operation(state, service, OperationKind.HOLD, service.split, _BOTH, context), phase=Phase.HOLDING
        )
        return Reduction(
            with_service(state, held, operation), operation, (), _hold_changes(service, held), durable=True
        )
    if running.exclusive or running.phase is not Phase.HOLDING:
        doing = "holds the requests" if running.exclusive else "is just being released"
        detail = f"{running.kind} {running.id} by {running.by} {doing}; wait for it"
        raise Refused(RefusalCode.OPERATION_RUNNING, detail, operation=running.id)
    if held == service:
        return Reduction(state, operation=running)
    return Reduction(with_service(state, held), running, (), _hold_changes(service, held), durable=True)


def _release(state: State, command: Release, context: Context) -> Reduction:
    """To release what is not held is no error: a pipeline that cleans up may do it twice."""
    service = find_service(state, command.service, context)
    running = holding_of(state, service.name)
    if running is not None and running.exclusive:
        detail = f"{running.kind} {running.id} by {running.by} holds the requests; abort it, and they go as before"
        raise Refused(RefusalCode.OPERATION_RUNNING, detail, operation=running.id)
    if service.hold is None:
        return Reduction(state, operation=running)
    released = replace(service, hold=None)
    after, operation = with_service(state, released), running
    if running is not None:
        operation = replace(_applying(running, after), leaving=())
        after = with_operation(after, operation)
    return Reduction(after, operation, (), _hold_changes(service, released), durable=True)


def _set_maintenance(state: State, command: SetMaintenance, context: Context) -> Reduction:
    service = find_service(state, command.service, context)
    if service.maintenance == command.message:
        return Reduction(state)
    after = with_service(state, replace(service, maintenance=command.message))
    change = Change("maintenance", service.maintenance, command.message)
    return Reduction(after, changes=(change,), durable=True)


def _flip(state: State, command: FlipExclusive) -> Reduction:
    operation = _holding(state, command.operation)
    service = state.services[operation.service]
    moved = replace(service, split=operation.after, previous_split=service.split, hold=None, settled=None)
    after = cooled(with_service(state, moved), service.name)
    operation = replace(_applying(operation, after), leaving=left_colors(service.split, moved.split))
    change = Change("split.green", service.split / 100, moved.split / 100)
    return Reduction(with_operation(after, operation), operation, (), (change,), durable=True)


def _give_up(state: State, command: GiveUpExclusive, context: Context) -> Reduction:
    operation = _holding(state, command.operation)
    service = state.services[operation.service]
    released = with_service(state, replace(service, hold=None))
    after, over = end_operation(released, operation, OperationState.FAILED, context, command.why)
    return Reduction(after, over[0], over, durable=True)


def _holding(state: State, operation_id: str) -> Operation:
    """The exclusive switch of that id, which has not moved the traffic yet."""
    operation = find_operation(state, operation_id)
    if not operation.exclusive or operation.phase is not Phase.HOLDING:
        detail = f"{operation.kind} {operation.id} holds no requests: it is {operation.phase}"
        raise Refused(RefusalCode.OPERATION_RUNNING, detail, operation=operation.id)
    return operation


def _applying(operation: Operation, after: State) -> Operation:
    """What holds no longer is over once every worker serves from the table that says so."""
    receipt = replace(operation.receipt, generation=after.generation) if operation.receipt else None
    return replace(operation, phase=Phase.APPLYING, receipt=receipt)


def _hold_changes(before: Service, after: Service) -> tuple[Change, ...]:
    return (Change("hold", _in_words(before.hold), _in_words(after.hold)),)


def _in_words(rule: HoldRule | None) -> str | None:
    if rule is None:
        return None
    which = "unsafe requests" if rule.unsafe_only else "requests"
    return f"{rule.max_requests} {which} with {rule.max_bytes} bytes for {rule.max_wait:g} s"
