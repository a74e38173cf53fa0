"""How a rollout ends: through, aborted, stopped or undone. However that is, no server is left half out."""

from __future__ import annotations

from dataclasses import replace

from proxy.traffic.commands import Abort, Context, Fail
from proxy.traffic.model import Cohort, Operation, OperationState, Service, State, Upstream
from proxy.traffic.reduction import Change, Reduction, end_operation, with_service
from proxy.traffic.rollout.batches import cost, room
from proxy.traffic.rollout.commands import EndRollout
from proxy.traffic.rollout.footing import elsewhere, find_rollout, put, steered, with_servers
from proxy.traffic.rollout.plan import ManualHook, OnFailure
from proxy.traffic.rollout.rollout import Rollout, Turn
from proxy.traffic.rollout.stages import COURSES, TURNS, Course, Event, Stage, Turning
from proxy.traffic.spec import AdminState


def end(state: State, command: EndRollout, context: Context) -> Reduction:
    """No server is left to do."""
    operation, rollout = find_rollout(state, command.operation)
    if rollout.under_way or rollout.to_do:
        raise elsewhere(operation)
    return _over(state, operation, rollout, Turning.THROUGH, context)


def abort(state: State, command: Abort, context: Context) -> Reduction:
    """What was not touched yet is put back at once, the rest of the batch is finished; then it ends."""
    operation, rollout = steered(state, command.operation, context)
    if rollout.course is Course.ABORTING:
        return Reduction(state, operation=operation)
    before, why = rollout.course, f"aborted by {context.by}"
    course = COURSES[before, Turning.ABORT]
    service = state.services[operation.service]
    rollout, service = _put_back(replace(rollout, course=course, hindrance=None, why=why), service, context)
    if isinstance(rollout.plan.hook, ManualHook):  # nobody may ever say that these are ready
        waiting = [turn.address for turn in rollout.under_way if turn.stage is Stage.UPDATING]
        rollout = rollout.moved(waiting, Event.UPDATED, context.now)
    operation = replace(operation, state=OperationState.RUNNING, note=why, leaving=())
    reduction = put(state, operation, rollout, service)
    if not rollout.under_way:
        return _over(reduction.state, operation, rollout, Turning.THROUGH, context)
    return replace(reduction, changes=(Change("course", before.value, course.value),))


def fail(state: State, command: Fail, context: Context) -> Reduction:
    """The batch is bad, or a gate is against the next one: stop there, or undo all of it."""
    operation, rollout = find_rollout(state, command.operation)
    turning = _turning(rollout)
    service = state.services[operation.service]
    rollout, service = _put_back(replace(rollout, why=command.why), service, context)
    rollout, service = _broken(rollout, service, command.why, context)
    operation = replace(operation, leaving=())
    if turning is Turning.STOP:
        return _over(put(state, operation, rollout, service).state, operation, rollout, turning, context)
    rollout, service = _restoring(rollout, service, context)
    operation = replace(operation, state=OperationState.RUNNING, note=command.why)
    change = Change("course", Course.ROLLING.value, rollout.course.value)
    return replace(put(state, operation, rollout, service), changes=(change,))


def _turning(rollout: Rollout) -> Turning:
    undo = rollout.course is Course.ROLLING and rollout.plan.on_failure is OnFailure.RESTORE
    return Turning.RESTORE if undo and rollout.touched else Turning.STOP


def _put_back(rollout: Rollout, service: Service, context: Context) -> tuple[Rollout, Service]:
    """Those that were taken out and not touched serve on as they are."""
    untouched = frozenset(t.address for t in rollout.under_way if (t.stage, Event.PUT_BACK) in TURNS)
    moved = rollout.moved(untouched, Event.PUT_BACK, context.now)
    kept = tuple(replace(turn, batch=0) if turn.address in untouched else turn for turn in moved.turns)
    return replace(moved, turns=kept), with_servers(service, rollout, untouched, lambda u: replace(u, cordoned=False))


def _broken(rollout: Rollout, service: Service, why: str, context: Context) -> tuple[Rollout, Service]:
    """The batch has failed and is taken out, as far as enough are left without it."""
    bad = [turn.address for turn in rollout.under_way]
    moved = rollout.moved(bad, Event.BROKE, context.now)
    left = room(service, rollout)
    for address in bad:
        needed = cost(service, rollout.color, [address])
        stays = needed > 0 and left <= 0
        moved = replace(moved, turns=tuple(_blamed(t, address, why, stays=stays) for t in moved.turns))
        if not stays:
            left -= needed
            service = with_servers(service, rollout, [address], lambda each: replace(each, cordoned=True, ramp=1.0))
    return moved, service


def _blamed(turn: Turn, address: str, why: str, *, stays: bool) -> Turn:
    if turn.address != address:
        return turn
    return replace(turn, why=f"{why}; it serves on, for too few would be left without it" if stays else why)


def _restoring(rollout: Rollout, service: Service, context: Context) -> tuple[Rollout, Service]:
    """Every server that was touched gets another turn, and nobody's pause stands. Those whose turn is still to come
    are counted as updated until then: what they answer badly meanwhile is told.
    """
    again = [turn.address for turn in rollout.turns if (turn.stage, Event.RESTORE) in TURNS]
    back = rollout.moved(again, Event.RESTORE, context.now)
    course = COURSES[rollout.course, Turning.RESTORE]
    whole = with_servers(service, rollout, _all(service, rollout), lambda each: replace(each, ramp=1.0))
    return replace(back, course=course, undoing=True, hindrance=None), whole


def _plain(upstream: Upstream) -> Upstream:
    return replace(upstream, ramp=1.0, cohort=Cohort.NONE)


def _over(state: State, operation: Operation, rollout: Rollout, turning: Turning, context: Context) -> Reduction:
    """The end: what is still kept out becomes the operator's to let in again, unless nobody else is left to try."""
    course = COURSES[rollout.course, turning]
    service = state.services[operation.service]
    helpless = not any(upstream.wanted for upstream in service.pool(rollout.color))
    freed = with_servers(service, rollout, _all(service, rollout), _plain if helpless else _kept_out)
    freed = with_servers(freed, rollout, _all(service, rollout), lambda each: replace(each, cordoned=False))
    if freed is not service:
        state = with_service(state, freed)
    result = OperationState(course.value)
    done = replace(operation, rollout=replace(rollout, course=course, hindrance=None), leaving=())
    state, over = end_operation(state, done, result, context, rollout.why)
    change = Change("course", rollout.course.value, course.value)
    return Reduction(state, over[0], over, (change,), durable=True)


def _kept_out(upstream: Upstream) -> Upstream:
    cordoned = upstream.cordoned and upstream.admin is AdminState.READY
    return replace(_plain(upstream), admin=AdminState.DRAIN if cordoned else upstream.admin)


def _all(service: Service, rollout: Rollout) -> list[str]:
    return [each.address for each in service.pool(rollout.color)]
