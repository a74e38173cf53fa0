"""Beginning a rollout, and what may not go on beside one."""

from __future__ import annotations

from dataclasses import replace

from proxy.traffic.commands import Context
from proxy.traffic.model import FULL_SPLIT, Cohort, Operation, OperationKind, Phase, Service, State
from proxy.traffic.reduction import Change, Reduction, cooled, find_service, new_operation, refuse_beside, with_service
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.rollout.batches import required, total
from proxy.traffic.rollout.commands import StartRollout
from proxy.traffic.rollout.footing import with_servers
from proxy.traffic.rollout.plan import ManualHook, OnFailure, RolloutPlan
from proxy.traffic.rollout.rollout import Rollout, Turn
from proxy.traffic.spec import AdminState, Color


def start(state: State, command: StartRollout, context: Context) -> Reduction:
    """Begin. Servers in maintenance are left alone.

    A color that is kept warm to return to is no longer watched for: either it is what is changed, or what it would be
    compared with is.
    """
    service = find_service(state, command.service, context)
    _refuse_second(state, service)
    refuse_beside(state.operation_of(service.name))
    _refuse_watched(state.operation_of(service.name))
    _refuse_no_way_back(command.plan)
    servers = [each.address for each in service.pool(command.color) if each.admin is not AdminState.MAINT]
    turns = tuple(Turn(address, since=context.now) for address in servers)
    rollout = Rollout(command.color, command.plan, turns, forced=command.force)
    _refuse_no_room(service, rollout)
    service = with_servers(service, rollout, servers, lambda each: replace(each, cohort=Cohort.OLD))
    operation = new_operation(state, service, OperationKind.ROLL, service.split, (), context)
    operation = replace(operation, phase=Phase.ROLLING, rollout=rollout)
    change = Change(f"roll.{command.color}", None, f"{len(turns)} servers")
    after = cooled(with_service(state, service, operation), service.name)
    return Reduction(after, operation, changes=(change,), durable=True)


def _refuse_second(state: State, service: Service) -> None:
    running = state.rollout_of(service.name)
    if running is not None:
        detail = f"roll {running.id} by {running.by} is {running.state}; wait for it, or abort it"
        raise Refused(RefusalCode.OPERATION_RUNNING, detail, operation=running.id)


def _refuse_watched(running: Operation | None) -> None:
    """A shift that has arrived may be taken back as long as it drains, and is watched for a while from then on."""
    if running is not None and running.shift is not None:
        detail = f"shift {running.id} by {running.by} still drains, and may be taken back; wait for it"
        raise Refused(RefusalCode.OPERATION_RUNNING, detail, operation=running.id)


def _refuse_no_way_back(plan: RolloutPlan) -> None:
    if plan.on_failure is not OnFailure.RESTORE:
        return
    if isinstance(plan.hook, ManualHook):
        raise Refused(RefusalCode.NO_WAY_BACK, "a restore needs a hook: by hand nobody would bring the servers back")
    if plan.previous_version is None and plan.detect is None:
        detail = "a restore has to tell the hook a version: pass previous_version, or have versions detected"
        raise Refused(RefusalCode.NO_WAY_BACK, detail)


def _refuse_no_room(service: Service, rollout: Rollout) -> None:
    """However healthy they all become, somebody has to be left to serve."""
    color, servers = rollout.color, total(service, rollout.color)
    if not rollout.turns:
        raise Refused(RefusalCode.POOL_EMPTY, f"{color} of service {service.name} has no server to update")
    needed = required(service, rollout)
    if servers <= 1 and needed:
        detail = f"{color} has traffic and no other server to carry it meanwhile; pass force to go without"
        raise Refused(RefusalCode.LAST_UPSTREAM, detail)
    if needed >= servers and needed:
        detail = f"min_available asks for {needed} of {servers} servers, so that none could ever be taken out"
        raise Refused(RefusalCode.NO_ROOM, detail)


def refuse_beside_rollout(state: State, service: Service) -> None:
    """A gradual move cannot go on while the servers of either color change under it. Raises :class:`Refused`."""
    running = state.rollout_of(service.name)
    if running is not None:
        raise _refused(running, "wait for it, or abort it")


def refuse_onto_rollout(state: State, service: Service, target: int) -> None:
    """No traffic is moved onto a color whose servers are being updated; away from it always. Raises :class:`Refused`.

    Args:
        state: with the rollout, if there is one.
        service: whose traffic is to move.
        target: green's share afterwards, in hundredths of a percent.
    """
    running = state.rollout_of(service.name)
    if running is None or running.rollout is None:
        return
    color = running.rollout.color
    if service.share(color) < _share(color, target):
        raise _refused(running, f"wait for it, abort it, or pass force to move the traffic onto {color} all the same")


def _share(color: Color, target: int) -> int:
    return target if color is Color.GREEN else FULL_SPLIT - target


def _refused(running: Operation, way_on: str) -> Refused:
    color = running.rollout.color if running.rollout else None
    detail = f"{color} is being updated by roll {running.id} of {running.by}; {way_on}"
    return Refused(RefusalCode.OPERATION_RUNNING, detail, operation=running.id)
