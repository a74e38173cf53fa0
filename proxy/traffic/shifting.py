"""Commands that move traffic gradually.

A shift is a plan and a position in it (:mod:`proxy.traffic.shift`). The position decides the split, so whoever puts the
position forward moves the traffic: the passing time, or an operator who promotes it. It is hindered or it goes on;
when it has arrived it is applied and drained as a switch is.
"""

from __future__ import annotations

from dataclasses import replace

from proxy.traffic.audience import Settled, StickyBy
from proxy.traffic.commands import (
    AdvanceShift,
    Context,
    CoolDown,
    EndSettled,
    Fail,
    FailWarmth,
    Hinder,
    Pause,
    Promote,
    Resume,
    StartShift,
)
from proxy.traffic.fitness import can_serve, gains, refuse_unhealthy
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.model import Operation, OperationKind, OperationState, Phase, Receipt, Service, State
from proxy.traffic.reduction import (
    Change,
    Reduction,
    cooled,
    end_operation,
    find_operation,
    find_service,
    go_back,
    left_colors,
    new_operation,
    refuse_beside,
    set_split,
    with_operation,
    with_service,
)
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.rollout.starting import refuse_beside_rollout
from proxy.traffic.shift import Position, Shift, Step, arrived, linear, split_at, stepped
from proxy.traffic.spec import Color

ShiftCommand = StartShift | Pause | Resume | Promote | Hinder | Fail | FailWarmth | AdvanceShift | EndSettled | CoolDown


def reduce_shift(state: State, command: ShiftCommand, context: Context) -> Reduction:
    """The state after a step of a gradual move.

    Raises:
        Refused: it makes no sense now.
    """
    match command:
        case StartShift():
            return _start(state, command, context)
        case AdvanceShift():
            return _advance(state, command)
        case Pause():
            return _pause(state, command, context)
        case Resume():
            return _resume(state, command, context)
        case Promote():
            return _promote(state, command, context)
        case Hinder():
            return _hinder(state, command)
        case EndSettled():
            return _end_settled(state, command)
        case Fail():
            return _fail(state, command, context)
        case FailWarmth():
            return _fail_warmth(state, command, context)
        case CoolDown():
            return _cool_down(state, command, context)


def _start(state: State, command: StartShift, context: Context) -> Reduction:
    service = find_service(state, command.service, context)
    running = state.operation_of(service.name)
    refuse_beside(running)
    refuse_beside_rollout(state, service)
    steps = _steps(service, command)
    if not steps:
        return _nothing_to_do(state, service, context)
    target = steps[-1].split
    if not command.force:
        refuse_unhealthy(service, target)
    settled = _settled(service, command, context)
    note = "another operation took its place before it had drained"
    state, over = end_operation(state, running, OperationState.ABORTED, context, note)
    shift = Shift(steps, command.gates, judged=command.judged, settle=command.settle, forced=command.force)
    operation = replace(
        new_operation(state, service, OperationKind.SHIFT, target, (), context), phase=Phase.SHIFTING, shift=shift
    )
    change = Change("shift.green", service.split / 100, target / 100)
    after = cooled(with_service(state, replace(service, settled=settled), operation), service.name)
    return Reduction(after, operation, over, (change,), durable=True)


def _steps(service: Service, command: StartShift) -> tuple[Step, ...]:
    if command.steps:
        try:
            return stepped(service.split, command.steps, rising=command.to is Color.GREEN)
        except ValueError as error:
            raise Refused(RefusalCode.STEPS_NOT_STEADY, str(error)) from None
    if (command.target <= service.split) if command.to is Color.GREEN else (command.target >= service.split):
        return ()
    if command.over > 0:
        return linear(service.split, command.target, command.over)
    return (Step(command.target),)


def _settled(service: Service, command: StartShift, context: Context) -> Settled | None:
    if command.settle is None:
        return None
    sticky = service.spec.sticky
    if sticky is None or sticky.by is not StickyBy.COOKIE:
        detail = f"service {service.name} has no sticky cookie, so nobody knows whose session began when"
        raise Refused(RefusalCode.NEEDS_STICKY_COOKIE, detail)
    return Settled(since=context.now, green=command.to is Color.BLUE)


def _nothing_to_do(state: State, service: Service, context: Context) -> Reduction:
    operation = replace(
        new_operation(state, service, OperationKind.SHIFT, service.split, (), context),
        state=OperationState.SUCCEEDED,
        phase=Phase.ENDED,
        ended_at=context.now,
        note="the split was already there, or further; nothing changed",
    )
    after = replace(state, next_operation=state.next_operation + 1)
    return Reduction(after, operation=operation, ended=(operation,), durable=True)


def _advance(state: State, command: AdvanceShift) -> Reduction:
    operation, shift = _moving(state, command.operation)
    if shift.hindrance is not None or shift.position != command.before or command.after.step >= len(shift.steps):
        raise Refused(RefusalCode.OPERATION_RUNNING, f"{operation.id} stands elsewhere by now", operation=operation.id)
    return _put(state, operation, replace(shift.at(command.after), baseline=command.baseline))


def _put(state: State, operation: Operation, shift: Shift) -> Reduction:
    """Let a shift stand where it says that it stands, unhindered, and move the traffic accordingly."""
    service = state.services[operation.service]
    moved = _moved(service, operation, split_at(operation.before, shift))
    operation = replace(operation, shift=shift, state=OperationState.RUNNING, note=None)
    if arrived(shift) and moved.settled is None:
        return _arrive(state, operation, moved)
    change = _split_change(service, moved)
    if not change:
        return Reduction(with_operation(state, operation), operation=operation, durable=True)
    return Reduction(with_operation(with_service(state, moved), operation), operation, (), change, durable=True)


def _moved(service: Service, operation: Operation, split: int) -> Service:
    """A rollback returns to where the shift began, from wherever it got to."""
    previous = service.previous_split if split == operation.before else operation.before
    return replace(service, split=split, previous_split=previous)


def _arrive(state: State, operation: Operation, service: Service) -> Reduction:
    """The table that follows is its last one: from here on it is applied and drained like any other move."""
    before = state.services[service.name]
    operation = replace(
        operation,
        phase=Phase.APPLYING,
        leaving=left_colors(operation.before, service.split),
        receipt=Receipt(generation=state.generation + 1),
    )
    after = with_operation(with_service(state, service), operation)
    return Reduction(after, operation, (), _split_change(before, service), durable=True)


def _split_change(before: Service, after: Service) -> tuple[Change, ...]:
    if before.split == after.split:
        return ()
    return (Change("split.green", before.split / 100, after.split / 100),)


def _pause(state: State, command: Pause, context: Context) -> Reduction:
    operation, shift = _steered(state, command.operation, context)
    if shift.hindrance is Hindrance.OPERATOR:
        return Reduction(state, operation=operation)
    return _hindered(state, operation, shift, Hindrance.OPERATOR, f"paused by {context.by}")


def _hinder(state: State, command: Hinder) -> Reduction:
    operation, shift = _moving(state, command.operation)
    if shift.hindrance is not None:
        raise Refused(RefusalCode.OPERATION_RUNNING, f"{operation.id} waits already", operation=operation.id)
    return _hindered(state, operation, shift, command.hindrance, command.why)


def _hindered(state: State, operation: Operation, shift: Shift, hindrance: Hindrance, why: str) -> Reduction:
    change = Change("state", operation.state.value, OperationState.PAUSED.value)
    operation = replace(operation, state=OperationState.PAUSED, note=why, shift=shift.at(shift.position, hindrance))
    return Reduction(with_operation(state, operation), operation, (), (change,), durable=True)


def _resume(state: State, command: Resume, context: Context) -> Reduction:
    operation, shift = _steered(state, command.operation, context)
    hindrance = shift.hindrance
    if command.only is not None and hindrance is not command.only:
        raise Refused(RefusalCode.OPERATION_RUNNING, f"{operation.id} waits for something else", operation=operation.id)
    position = shift.position
    if hindrance is None:
        return Reduction(state, operation=operation)
    if hindrance is Hindrance.STEP:
        position = Position(position.step + 1)
    elif hindrance is Hindrance.APPROVAL:
        position = replace(position, opened=True)
    waived = shift.waived or (hindrance is Hindrance.JUDGE and command.only is None)
    forced = shift.forced or (hindrance is Hindrance.HEALTH and command.only is None)
    return _let_go(state, operation, replace(shift.at(position), waived=waived, forced=forced))


def _promote(state: State, command: Promote, context: Context) -> Reduction:
    operation, shift = _steered(state, command.operation, context)
    position, end = shift.position, len(shift.steps) - 1
    if arrived(shift):  # only those with a session are not there yet: who promotes it does not wait for them
        shift = replace(shift.at(position), baseline=command.baseline)
        operation = replace(operation, shift=shift, state=OperationState.RUNNING, note=None)
        return _arrive(state, operation, replace(state.services[operation.service], settled=None))
    if command.full:
        position = Position(end, opened=True, ramped=shift.steps[end].over)
    elif not position.opened:
        position = replace(position, opened=True)
    elif shift.last:
        position = replace(position, ramped=shift.step.over)
    else:
        position = Position(position.step + 1)
    return _let_go(state, operation, replace(shift.at(position), baseline=command.baseline))


def _let_go(state: State, operation: Operation, shift: Shift) -> Reduction:
    reduction = _put(state, operation, shift)
    change = Change("state", operation.state.value, OperationState.RUNNING.value)
    step = Change("step", operation.shift.position.step + 1, shift.position.step + 1) if operation.shift else change
    told = tuple(each for each in (change, step) if each.before != each.after)
    return replace(reduction, changes=(*told, *reduction.changes))


def _end_settled(state: State, command: EndSettled) -> Reduction:
    operation, shift = _moving(state, command.operation)
    service = replace(state.services[operation.service], settled=None)
    if arrived(shift):
        return _arrive(state, operation, service)
    return Reduction(with_operation(with_service(state, service), operation), operation, durable=True)


def _fail(state: State, command: Fail, context: Context) -> Reduction:
    operation = find_operation(state, command.operation)
    service, shift = state.services[operation.service], operation.shift
    losing = gains(service, operation.before)
    if losing is not None and not can_serve(service, losing):
        why = f"{command.why}; but {losing} has no healthy upstream to go back to"
        if shift is None or operation.phase is not Phase.SHIFTING:
            raise Refused(RefusalCode.COLOR_NOT_HEALTHY, why, color=losing.value)
        return _hindered(state, operation, shift, Hindrance.OPERATOR, why)
    context = replace(context, reason=command.why)
    return _for_good(go_back(state, operation, OperationState.ROLLED_BACK, command.why, context))


def _fail_warmth(state: State, command: FailWarmth, context: Context) -> Reduction:
    service = find_service(state, command.service, context)
    warmth = state.warm.get(service.name)
    if warmth is None or warmth.operation != command.operation:
        raise Refused(RefusalCode.OPERATION_ENDED, f"{command.operation} is no longer watched")
    refuse_beside(state.operation_of(service.name))
    refuse_unhealthy(service, warmth.before)
    context = replace(context, reason=command.why)
    return _for_good(set_split(state, service, warmth.before, OperationKind.ROLLBACK, context, over=()))


def _for_good(reduction: Reduction) -> Reduction:
    """What the judge has taken back no rollback brings forth again: who asks for one a moment later means the same."""
    operation, state = reduction.operation, reduction.state
    if operation is None or operation.kind is not OperationKind.ROLLBACK:
        return reduction  # nothing had moved yet
    service = replace(state.services[operation.service], previous_split=None)
    return replace(reduction, state=replace(state, services={**state.services, service.name: service}))


def _cool_down(state: State, command: CoolDown, context: Context) -> Reduction:
    service = find_service(state, command.service, context)
    after = cooled(state, service.name)
    return Reduction(after, durable=after is not state)


def _steered(state: State, operation_id: str, context: Context) -> tuple[Operation, Shift]:
    """A shift that somebody steers, whose service is at the revision that they believe in."""
    operation, shift = _moving(state, operation_id)
    find_service(state, operation.service, context)
    return operation, shift


def _moving(state: State, operation_id: str) -> tuple[Operation, Shift]:
    operation = find_operation(state, operation_id)
    if operation.shift is None or operation.phase is not Phase.SHIFTING:
        detail = f"{operation.kind} {operation.id} is {operation.phase}: there is nothing left to pause or to promote"
        raise Refused(RefusalCode.NOT_PAUSABLE, detail, operation=operation.id)
    return operation, operation.shift
