"""What was noticed, not wanted: health, ejections, and how far an operation is. None of it changes a revision."""

from __future__ import annotations

from dataclasses import replace

from proxy.traffic.commands import Context, EndOperation, MarkApplied, ObserveEjection, ObserveHealth
from proxy.traffic.model import Operation, OperationKind, OperationState, Phase, Receipt, State, Upstream, Warmth
from proxy.traffic.pools import find_upstream, with_pool
from proxy.traffic.reduction import Change, Reduction, end_operation, find_operation, find_service, with_operation
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import AdminState

Observation = ObserveHealth | ObserveEjection | MarkApplied | EndOperation


def reduce_observation(state: State, command: Observation, context: Context) -> Reduction:
    """The state after something was noticed.

    Raises:
        Refused: what it speaks of is no longer there.
    """
    match command:
        case ObserveHealth():
            return _health(state, command, context)
        case ObserveEjection():
            return _ejection(state, command, context)
        case MarkApplied():
            return _applied(state, command, context)
        case EndOperation():
            return _end(state, command, context)


def _health(state: State, command: ObserveHealth, context: Context) -> Reduction:
    before = _upstream(state, command, context)
    if before.admin is AdminState.MAINT or before.cordoned:  # nobody probes it: it comes back through a check
        return Reduction(state)
    change = Change(f"pools.{command.color}.{before.address}.health", before.health.value, command.health.value)
    return _observed(state, command, before, replace(before, health=command.health), change)


def _ejection(state: State, command: ObserveEjection, context: Context) -> Reduction:
    before = _upstream(state, command, context)
    if before.cordoned:  # it was taken out meanwhile, for a better reason
        return Reduction(state)
    change = Change(f"pools.{command.color}.{before.address}.ejected", before.ejected, command.ejected)
    return _observed(state, command, before, replace(before, ejected=command.ejected), change)


def _upstream(state: State, command: ObserveHealth | ObserveEjection, context: Context) -> Upstream:
    return find_upstream(find_service(state, command.service, context), command.color, command.address)


def _observed(
    state: State, command: ObserveHealth | ObserveEjection, before: Upstream, after: Upstream, change: Change
) -> Reduction:
    if before == after:
        return Reduction(state)
    service = state.services[command.service]
    pool = tuple(after if upstream is before else upstream for upstream in service.pool(command.color))
    services = {**state.services, service.name: with_pool(service, command.color, pool)}
    return Reduction(replace(state, services=services, generation=state.generation + 1), changes=(change,))


def _applied(state: State, command: MarkApplied, context: Context) -> Reduction:
    operation = find_operation(state, command.operation)
    seen, asked = command.receipt.generation, operation.receipt.generation if operation.receipt else 0
    if operation.kind is OperationKind.HOLD and seen < asked:
        detail = f"{operation.id} was released meanwhile: that is not seen by every worker yet"
        raise Refused(RefusalCode.OPERATION_RUNNING, detail, operation=operation.id)
    if operation.phase is Phase.HOLDING:  # every worker holds; that is not its end
        held = replace(operation, receipt=command.receipt)
        return Reduction(with_operation(state, held), operation=held)
    if not operation.leaving:
        return _over(state, replace(operation, receipt=command.receipt), OperationState.SUCCEEDED, context, None)
    draining = replace(operation, phase=Phase.DRAINING, receipt=command.receipt)
    return Reduction(with_operation(state, draining), operation=draining)


def _end(state: State, command: EndOperation, context: Context) -> Reduction:
    operation = find_operation(state, command.operation)
    receipt: Receipt | None = command.receipt or operation.receipt
    return _over(state, replace(operation, receipt=receipt), command.state, context, command.note or operation.note)


def _over(state: State, operation: Operation, result: OperationState, context: Context, note: str | None) -> Reduction:
    next_state, over = end_operation(state, operation, result, context, note)
    if result is OperationState.SUCCEEDED:
        next_state = _warm(next_state, operation, context.now)
    return Reduction(next_state, operation=over[0], ended=over, durable=True)


def _warm(state: State, operation: Operation, now: float) -> State:
    """After a watched shift the new color is watched on for a while, against what the old one did before."""
    shift, service = operation.shift, state.services[operation.service]
    if shift is None or not shift.judged or not service.spec.keep_warm:
        return state
    warmth = Warmth(operation.id, now + service.spec.keep_warm, operation.before, shift.baseline)
    return replace(state, warm={**state.warm, service.name: warmth})
