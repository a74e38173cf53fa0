"""How state, operations and history are shown: plain functions from what the program knows to what it answers."""

from __future__ import annotations

from typing import Any

from proxy.control.admin.answering import Shares
from proxy.control.admin.answers import (
    ChangeAnswer,
    EntryAnswer,
    Flow,
    HoldAnswer,
    Left,
    OperationAnswer,
    PoolAnswer,
    Pools,
    Progress,
    ReceiptAnswer,
    ReloadAnswer,
    ServiceAnswer,
    UpstreamAnswer,
    WarmAnswer,
    WorkersAnswer,
)
from proxy.control.admin.context import AdminContext, ReloadResult
from proxy.control.admin.rollout_answers import RolloutAnswer
from proxy.control.admin.rollout_views import rollout
from proxy.control.admin.shift_views import shift
from proxy.control.events import Event, EventName
from proxy.control.store.base import JournalEntry
from proxy.shm.names import Series
from proxy.traffic.holding import holding_of
from proxy.traffic.judgement import Verdict
from proxy.traffic.model import FULL_SPLIT, Operation, Service, State, Upstream, Warmth
from proxy.traffic.records import load_operation
from proxy.traffic.reduction import Change
from proxy.traffic.rollout.stages import Stage
from proxy.traffic.spec import Color

SERVING, HELD, MAINTENANCE = "serving", "held", "maintenance"
_EJECTED = "ejected"
_OPERATION_EVENTS = frozenset({EventName.APPLIED, EventName.PROGRESS, EventName.ENDED})
_LIVE: Any = {
    "progress": True,
    "shift": {"judge", "settled_left"},
    "rollout": {
        "judge": True,
        "available": True,
        "min_available": True,
        "servers": {"__all__": {"in_flight", "ramp"}},
    },
}
"""What is known only while somebody asks, and so is not in events."""


def shares(split: int) -> Shares:
    """A split in percent. ``split`` is green's share in hundredths of a percent."""
    return Shares(blue=(FULL_SPLIT - split) / 100, green=split / 100)


def service(context: AdminContext, service: Service) -> ServiceAnswer:
    """A service as it is now."""
    state = context.controller.state
    running = state.operation_of(service.name) or state.rollout_of(service.name)
    applied = context.publisher.applied(state.generation)
    return ServiceAnswer(
        name=service.name,
        revision=service.revision,
        generation=state.generation,
        live=service.live,
        split=shares(service.split),
        state=state_of(service),
        held=held(context, service.name),
        hold=_hold(state, service),
        maintenance=service.maintenance,
        pools=Pools(blue=_pool(context, service, Color.BLUE), green=_pool(context, service, Color.GREEN)),
        workers=WorkersAnswer(total=applied.total, applied=applied.applied),
        operation=operation(context, running) if running else None,
        warm=_warm(state.warm.get(service.name)),
    )


def state_of(service: Service) -> str:
    """Whether its users are served."""
    return MAINTENANCE if service.maintenance is not None else HELD if service.hold else SERVING


def held(context: AdminContext, name: str) -> int:
    """Requests of a service that wait just now."""
    return context.fleet.totals.total(Series.HELD, name)


def _hold(state: State, service: Service) -> HoldAnswer | None:
    rule, operation = service.hold, holding_of(state, service.name)
    if rule is None:
        return None
    return HoldAnswer(
        max_wait=rule.max_wait,
        max_requests=rule.max_requests,
        max_bytes=rule.max_bytes,
        unsafe_only=rule.unsafe_only,
        operation=operation.id if operation else None,
    )


def _warm(warmth: Warmth | None) -> WarmAnswer | None:
    if warmth is None:
        return None
    return WarmAnswer(operation=warmth.operation, until=warmth.until, rollback_to=shares(warmth.before))


def _pool(context: AdminContext, service: Service, color: Color) -> PoolAnswer:
    requests, tunnels = flow(context, service.name, color)
    running = context.controller.state.rollout_of(service.name)
    turns = running.rollout.turns if running and running.rollout and running.rollout.color is color else ()
    stages = {turn.address: turn.stage for turn in turns}
    return PoolAnswer(
        in_flight=Flow(requests=requests, tunnels=tunnels),
        upstreams=[
            _upstream(u, on_upstream(context, service.name, color, u.address), stages.get(u.address))
            for u in service.pool(color)
        ],
    )


def on_upstream(context: AdminContext, name: str, color: Color, address: str) -> int:
    """Requests that are in flight on an upstream."""
    return context.fleet.totals.total(Series.UPSTREAM_IN_FLIGHT, name, color.value, address)


def _upstream(upstream: Upstream, in_flight: int, stage: Stage | None) -> UpstreamAnswer:
    return UpstreamAnswer(
        address=upstream.address,
        weight=upstream.weight,
        admin=upstream.admin,
        health=_EJECTED if upstream.ejected else upstream.health.value,
        in_flight=in_flight,
        cordoned=upstream.cordoned,
        ramp=upstream.ramp,
        stage=stage,
    )


def operation(context: AdminContext, operation: Operation) -> OperationAnswer:
    """An operation with how far it is now."""
    progress = Progress.model_validate(context.controller.progress(operation))
    now, verdict = context.clock.wall(), context.verdict(operation.id)
    moving = shift(operation, now, verdict=verdict, settled_left=context.settled_left(operation.id))
    rolling = _rollout(context, operation, now, verdict)
    return OperationAnswer(**_facts(operation), progress=progress, shift=moving, rollout=rolling)


def _rollout(context: AdminContext, operation: Operation, now: float, verdict: Verdict | None) -> RolloutAnswer | None:
    service = context.controller.state.services.get(operation.service)
    color = operation.rollout.color if operation.rollout else Color.BLUE

    def in_flight(address: str) -> int:
        return on_upstream(context, operation.service, color, address)

    return rollout(operation, now, service, verdict=verdict, in_flight=in_flight)


def _facts(operation: Operation) -> dict[str, Any]:
    receipt = operation.receipt
    return {
        "id": operation.id,
        "service": operation.service,
        "kind": operation.kind,
        "state": operation.state,
        "by": operation.by,
        "reason": operation.reason,
        "started_at": operation.started_at,
        "ended_at": operation.ended_at,
        "before": shares(operation.before),
        "after": shares(operation.after),
        "leaving": [Left(color=color, upstream=address) for color, address in operation.leaving],
        "note": operation.note,
        "receipt": ReceiptAnswer.model_validate(receipt) if receipt else None,
    }


def flow(context: AdminContext, name: str, color: Color) -> tuple[int, int]:
    """Requests and tunnels that are in flight on a color."""
    totals = context.fleet.totals
    return totals.total(Series.IN_FLIGHT, name, color), totals.total(Series.TUNNELS, name, color)


def change(change: Change) -> ChangeAnswer:
    """One thing that became another."""
    return ChangeAnswer(path=change.path, before=change.before, after=change.after)


def entry(entry: JournalEntry) -> EntryAnswer:
    """One entry of the history."""
    return EntryAnswer(
        id=entry.id,
        at=entry.at,
        by=entry.by,
        reason=entry.reason,
        service=entry.service,
        action=entry.action,
        operation=entry.operation,
        changes=[change(each) for each in entry.changes],
        generation=entry.generation,
        revision=entry.revision,
    )


def reload(result: ReloadResult) -> ReloadAnswer:
    """What became of a reload."""
    return ReloadAnswer(ok=result.ok, at=result.at, by=result.by, problems=list(result.problems))


def event(event: Event) -> dict[str, Any]:
    """An event's data, JSON-ready; operations look as they do elsewhere, but for what is known only when asked."""
    if event.name not in _OPERATION_EVENTS:
        return {"at": event.at, **event.data}
    return {"at": event.at, **told(load_operation(dict(event.data)), event.at)}


def told(operation: Operation, now: float) -> dict[str, Any]:
    """An operation as those are told of it who did not ask, at ``now`` (Unix seconds); JSON-ready."""
    moving, rolling = shift(operation, now), rollout(operation, now)
    answer = OperationAnswer.model_construct(**_facts(operation), shift=moving, rollout=rolling)
    shown: dict[str, Any] = answer.model_dump(mode="json", exclude=_LIVE)
    return shown
