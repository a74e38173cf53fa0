"""How people steer a rollout. Whatever they say, the batch that is out comes back: only the next one waits."""

from __future__ import annotations

from dataclasses import replace

from proxy.traffic.commands import Context, Hinder, Pause, Promote, Resume
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.model import Operation, OperationState, State
from proxy.traffic.reduction import Change, Reduction
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.rollout.commands import MarkReady, MoveBatch
from proxy.traffic.rollout.footing import elsewhere, find_rollout, put, steered
from proxy.traffic.rollout.plan import ManualHook
from proxy.traffic.rollout.rollout import Rollout
from proxy.traffic.rollout.stages import Course, Event, Stage
from proxy.traffic.rollout.steps import carried


def pause(state: State, command: Pause, context: Context) -> Reduction:
    """Begin no other batch until somebody says so."""
    operation, rollout = steered(state, command.operation, context)
    if rollout.hindrance is Hindrance.OPERATOR:
        return Reduction(state, operation=operation)
    if rollout.course is Course.ABORTING:
        detail = f"{operation.id} is being aborted: no other batch begins"
        raise Refused(RefusalCode.NOT_PAUSABLE, detail, operation=operation.id)
    return _hindered(state, operation, rollout, Hindrance.OPERATOR, f"paused by {context.by}")


def hinder(state: State, command: Hinder) -> Reduction:
    """Something else than an operator lets the next batch wait."""
    operation, rollout = find_rollout(state, command.operation)
    if rollout.hindrance is not None or rollout.under_way:
        raise elsewhere(operation)
    return _hindered(state, operation, rollout, command.hindrance, command.why)


def _hindered(state: State, operation: Operation, rollout: Rollout, hindrance: Hindrance, why: str) -> Reduction:
    paused = replace(operation, state=OperationState.PAUSED, note=why)
    reduction = put(state, paused, replace(rollout, hindrance=hindrance), state.services[operation.service])
    return replace(reduction, changes=_told(operation, OperationState.PAUSED))


def resume(state: State, command: Resume, context: Context) -> Reduction:
    """Go on. What waits for approval has it; what waits for room waits again as long as there is none."""
    operation, rollout = steered(state, command.operation, context)
    if command.only is not None and rollout.hindrance is not command.only:
        raise elsewhere(operation)
    if rollout.hindrance is None:
        return Reduction(state, operation=operation)
    return _let_go(state, operation, rollout)


def promote(state: State, command: Promote, context: Context) -> Reduction:
    """Do not wait for anything that time or somebody's approval would end: the batch is warm and watched enough."""
    operation, rollout = steered(state, command.operation, context)
    if rollout.stage in (Stage.WARMING, Stage.WATCHED):
        rollout = replace(rollout, warmed=rollout.plan.slow_start.over, watched=max(rollout.watched, rollout.watch))
    return _let_go(state, operation, replace(rollout, unwatched=rollout.unwatched or command.full))


def _let_go(state: State, operation: Operation, rollout: Rollout) -> Reduction:
    opened = rollout.opened or rollout.hindrance is Hindrance.APPROVAL
    going = replace(operation, state=OperationState.RUNNING, note=None)
    on = replace(rollout, hindrance=None, opened=opened)
    reduction = put(state, going, on, state.services[operation.service])
    return replace(reduction, changes=_told(operation, OperationState.RUNNING))


def _told(operation: Operation, now: OperationState) -> tuple[Change, ...]:
    return () if operation.state is now else (Change("state", operation.state.value, now.value),)


def mark_ready(state: State, command: MarkReady, context: Context) -> Reduction:
    """A server that somebody updates by hand is to be checked, and to come back. To say so twice is no error."""
    operation, rollout = steered(state, command.operation, context)
    turn = rollout.turn(command.moved_to or command.address)
    if turn is not None and turn.stage is Stage.PROBING and command.address in (turn.address, turn.was):
        return Reduction(state, operation=operation)
    turn = rollout.turn(command.address)
    if turn is None or turn.stage is not Stage.UPDATING or not isinstance(rollout.plan.hook, ManualHook):
        detail = f"{command.address} is not being updated by hand now"
        raise Refused(RefusalCode.NOT_UPDATING, detail, operation=operation.id)
    moved = {turn.address: command.moved_to} if command.moved_to else {}
    event = MoveBatch(operation.id, Stage.UPDATING, Event.UPDATED, moved)
    rollout, service = carried(state, operation, rollout, frozenset({turn.address}), event, context)
    change = Change(f"roll.{rollout.color}.{command.address}", Stage.UPDATING.value, Stage.PROBING.value)
    return replace(put(state, operation, rollout, service), changes=(change,))
