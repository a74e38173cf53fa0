"""The one place where the state changes: ``reduce(state, command, context)`` gives the next state, or refuses.

It is a pure function, so the controller can try a command (dry run), keep its result on disk, and only then serve it.
Commands that move traffic at once are here; gradual moves are in :mod:`proxy.traffic.shifting`, rolling deployments in
:mod:`proxy.traffic.rolling`, what lets requests wait in :mod:`proxy.traffic.holding`, what changes pools in
:mod:`proxy.traffic.pools`, what was observed in :mod:`proxy.traffic.observations`, and a newly read config in
:mod:`proxy.traffic.configure`.
"""

from __future__ import annotations

from dataclasses import replace

from proxy.traffic import configure, holding, observations, pools, rolling, shifting
from proxy.traffic.audience import HoldRule
from proxy.traffic.commands import (
    Abort,
    AddUpstream,
    AdvanceShift,
    ChangeUpstream,
    Command,
    Configure,
    Context,
    CoolDown,
    EndOperation,
    EndSettled,
    Fail,
    FailWarmth,
    FlipExclusive,
    GiveUpExclusive,
    Hinder,
    Hold,
    MarkApplied,
    ObserveEjection,
    ObserveHealth,
    Pause,
    Promote,
    Release,
    RemoveUpstream,
    ReplacePool,
    Resume,
    Rollback,
    SetMaintenance,
    SetSplit,
    StartShift,
    Switch,
)
from proxy.traffic.fitness import refuse_unhealthy
from proxy.traffic.model import (
    FULL_SPLIT,
    Operation,
    OperationKind,
    OperationState,
    Phase,
    Service,
    State,
)
from proxy.traffic.reduction import (
    Reduction,
    end_operation,
    find_operation,
    find_service,
    go_back,
    new_operation,
    refuse_beside,
    set_split,
)
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.rollout.commands import (
    AgeBatch,
    EndRollout,
    MarkReady,
    MoveBatch,
    OpenBatch,
    StartRollout,
    TakeBatch,
)
from proxy.traffic.rollout.starting import refuse_onto_rollout
from proxy.traffic.spec import Color


def reduce(state: State, command: Command, context: Context) -> Reduction:
    """The state after a command, with what changed.

    Raises:
        Refused: the command makes no sense now; nothing has changed.
    """
    reduction = _reduce(state, command, context)
    after = reduction.state
    if after.generation == state.generation and any(_moved_traffic(state, over) for over in reduction.ended):
        return replace(reduction, state=replace(after, generation=after.generation + 1))
    return reduction


def _moved_traffic(state: State, over: Operation) -> bool:
    """Whether workers have to know that an operation is over: their table names it."""
    return over.moves_traffic and over.id in state.operations


def _reduce(state: State, command: Command, context: Context) -> Reduction:
    match command:
        case Switch():
            return _switch(state, command, context)
        case SetSplit():
            return _set_split(state, command, context)
        case Rollback():
            return _rollback(state, command, context)
        case Abort():
            return _abort(state, command, context)
        case Pause() | Resume() | Promote() | Hinder() | Fail():
            return _steer(state, command, context)
        case StartShift() | FailWarmth() | AdvanceShift() | EndSettled() | CoolDown():
            return shifting.reduce_shift(state, command, context)
        case StartRollout() | MarkReady() | OpenBatch() | TakeBatch() | MoveBatch() | AgeBatch() | EndRollout():
            return rolling.reduce_rollout(state, command, context)
        case Hold() | Release() | SetMaintenance() | FlipExclusive() | GiveUpExclusive():
            return holding.reduce_holding(state, command, context)
        case ReplacePool() | AddUpstream() | ChangeUpstream() | RemoveUpstream():
            return pools.reduce_pool(state, command, context)
        case Configure():
            return configure.reduce_config(state, command, context)
        case ObserveHealth() | ObserveEjection() | MarkApplied() | EndOperation():
            return observations.reduce_observation(state, command, context)


def _steer(state: State, command: Pause | Resume | Promote | Hinder | Fail, context: Context) -> Reduction:
    running = state.operations.get(command.operation)
    if running is not None and running.rollout is not None:
        return rolling.steer_rollout(state, command, context)
    return shifting.reduce_shift(state, command, context)


def _switch(state: State, command: Switch, context: Context) -> Reduction:
    service = find_service(state, command.service, context)
    target = FULL_SPLIT if command.to is Color.GREEN else 0
    running = state.operation_of(service.name)
    if command.exclusive and running and running.exclusive and running.after == target:
        return Reduction(state, operation=running)
    return _move(
        state, service, target, OperationKind.SWITCH, context, force=command.force, exclusive=command.exclusive
    )


def _set_split(state: State, command: SetSplit, context: Context) -> Reduction:
    service = find_service(state, command.service, context)
    return _move(state, service, command.split, OperationKind.SPLIT, context, force=command.force)


def _move(
    state: State,
    service: Service,
    target: int,
    kind: OperationKind,
    context: Context,
    *,
    force: bool,
    exclusive: HoldRule | None = None,
) -> Reduction:
    running = state.operation_of(service.name)
    refuse_beside(running)
    if target == service.split:
        return _already_there(state, service, running, kind, context)
    if not force:
        refuse_unhealthy(service, target)
        refuse_onto_rollout(state, service, target)
    if exclusive:
        holding.refuse_held(state, service)
    state, over = end_operation(
        state, running, OperationState.ABORTED, context, "another operation took its place before it had drained"
    )
    if exclusive:
        return holding.begin_exclusive(state, service, target, exclusive, context, over)
    return set_split(state, service, target, kind, context, over)


def _already_there(
    state: State, service: Service, running: Operation | None, kind: OperationKind, context: Context
) -> Reduction:
    """Asking again for what is so already is no error: a pipeline that retries gets the operation it began."""
    if running and running.after == service.split:
        return Reduction(state, operation=running)
    operation = replace(
        new_operation(state, service, kind, service.split, (), context),
        state=OperationState.SUCCEEDED,
        phase=Phase.ENDED,
        ended_at=context.now,
        note="the split was already so; nothing changed",
    )
    next_state = replace(state, next_operation=state.next_operation + 1)
    return Reduction(next_state, operation=operation, ended=(operation,), durable=True)


def _rollback(state: State, command: Rollback, context: Context) -> Reduction:
    service = find_service(state, command.service, context)
    running = state.operation_of(service.name)
    note = f"rolled back by {context.by}"
    if running and (running.shift or running.phase is Phase.HOLDING):  # its steps are not operations of their own
        if not command.force:
            refuse_unhealthy(service, running.before)
        return go_back(state, running, OperationState.ROLLED_BACK, note, context)
    if service.previous_split is None:
        detail = f"service {service.name} has nothing to roll back: no operation yet, or the last was taken back"
        raise Refused(RefusalCode.NOTHING_TO_ROLL_BACK, detail)
    if not command.force:
        refuse_unhealthy(service, service.previous_split)
        refuse_onto_rollout(state, service, service.previous_split)
    state, over = end_operation(state, running, OperationState.ROLLED_BACK, context, note)
    return set_split(state, service, service.previous_split, OperationKind.ROLLBACK, context, over)


def _abort(state: State, command: Abort, context: Context) -> Reduction:
    running = find_operation(state, command.operation)
    if running.rollout is not None:
        return rolling.steer_rollout(state, command, context)
    if running.kind is OperationKind.HOLD:
        raise Refused(RefusalCode.NOT_ABORTABLE, f"{running.id} holds requests: release them instead")
    if not running.moves_traffic:
        raise Refused(RefusalCode.NOT_ABORTABLE, f"{running.id} drains single upstreams: make them ready again instead")
    service = find_service(state, running.service, context)
    refuse_unhealthy(service, running.before)
    refuse_onto_rollout(state, service, running.before)
    return go_back(state, running, OperationState.ABORTED, f"aborted by {context.by}", context)
