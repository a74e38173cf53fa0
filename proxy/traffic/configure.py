"""How a config file and what is stored become the state: at the start, and again at every reload.

The file owns the rules; operators own the split. Of the pools, whoever spoke last is right: a pool changed over the
admin API stays as it is until the file gives that color another list than it did before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from proxy.traffic.commands import Configure, Context
from proxy.traffic.model import FULL_SPLIT, Operation, OperationState, Pool, Service, State, Upstream
from proxy.traffic.pools import pool_changes
from proxy.traffic.reduction import Change, Reduction, end_operation, end_returned, forget_gone
from proxy.traffic.spec import Color, DoorSpec, ServiceSpec, UpstreamSpec


def initial_service(spec: ServiceSpec) -> Service:
    """A service of which nothing is stored yet: its ``initial`` color has everything."""
    return Service(
        spec=spec,
        blue=_pool(spec.blue, ()),
        green=_pool(spec.green, ()),
        split=FULL_SPLIT if spec.initial is Color.GREEN else 0,
    )


def initial_state(door: DoorSpec, services: Iterable[ServiceSpec]) -> State:
    """The state of a front door that starts for the first time."""
    return State(door=door, services={spec.name: initial_service(spec) for spec in services}, generation=1)


def reconfigured(service: Service, spec: ServiceSpec) -> Service:
    """The service under a new spec, with its split and revision as they were."""
    return replace(
        service,
        spec=spec,
        blue=_merged(service.blue, service.spec.blue, spec.blue),
        green=_merged(service.green, service.spec.green, spec.green),
    )


def reduce_config(state: State, command: Configure, context: Context) -> Reduction:
    """The state under a newly read config file. Operations of services that are gone end as failed; such a service is
    no longer watched after a shift, either.
    """
    services = {spec.name: _next_service(state.services.get(spec.name), spec) for spec in command.services}
    changes = _changes(state.services, services)
    if services == state.services and command.door == state.door:
        return Reduction(state)
    warm = {name: warmth for name, warmth in state.warm.items() if name in services}
    orphaned = replace(state, services=services, door=command.door, warm=warm)
    after, orphans = end_orphans(orphaned, context)
    after, returned = end_returned(forget_gone(after), context)
    return Reduction(
        replace(after, generation=state.generation + 1),
        ended=(*orphans, *returned),
        changes=changes,
        durable=True,
    )


def _next_service(before: Service | None, spec: ServiceSpec) -> Service:
    if before is None:
        return initial_service(spec)
    after = reconfigured(before, spec)
    return after if after == before else replace(after, revision=before.revision + 1)


def _merged(current: Pool, old: tuple[UpstreamSpec, ...], new: tuple[UpstreamSpec, ...]) -> Pool:
    return current if old == new else _pool(new, current)


def _pool(specs: tuple[UpstreamSpec, ...], current: Pool) -> Pool:
    known = {upstream.address: upstream for upstream in current}
    return tuple(replace(known.get(s.address, Upstream(s.address)), weight=s.weight) for s in specs)


def _changes(before: Mapping[str, Service], after: Mapping[str, Service]) -> tuple[Change, ...]:
    changes: list[Change] = []
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            changes.append(Change(f"services.{name}", old is not None, new is not None))
        elif old.spec != new.spec:
            changes += _service_changes(old, new)
    return tuple(changes)


def _service_changes(old: Service, new: Service) -> list[Change]:
    name = new.name
    pools = [
        replace(change, path=f"services.{name}.{change.path}")
        for color in Color
        for change in pool_changes(color, old.pool(color), new.pool(color))
    ]
    rules = replace(old.spec, blue=(), green=()) != replace(new.spec, blue=(), green=())
    return [*pools, Change(f"services.{name}", "rules as before", "rules from the reloaded file")] if rules else pools


def end_orphans(state: State, context: Context) -> tuple[State, tuple[Operation, ...]]:
    """End, as failed, the operations of services that the config file does not have any more."""
    over: list[Operation] = []
    for operation in state.operations.values():
        if operation.service not in state.services:
            state, gone = end_operation(
                state, operation, OperationState.FAILED, context, "the service was taken out of the config file"
            )
            over += gone
    return state, tuple(over)
