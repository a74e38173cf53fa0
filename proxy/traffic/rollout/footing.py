"""What all steps of a rollout share: finding it, and putting its servers into another state."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from proxy.traffic.commands import Context
from proxy.traffic.model import Operation, Service, State, Upstream
from proxy.traffic.pools import with_pool
from proxy.traffic.reduction import Reduction, find_operation, find_service, with_operation, with_service
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.rollout.rollout import Rollout


def find_rollout(state: State, operation_id: str) -> tuple[Operation, Rollout]:
    """The running rollout of that id."""
    operation = find_operation(state, operation_id)
    if operation.rollout is None:
        detail = f"{operation.kind} {operation.id} updates no servers"
        raise Refused(RefusalCode.NOT_UPDATING, detail, operation=operation.id)
    return operation, operation.rollout


def steered(state: State, operation_id: str, context: Context) -> tuple[Operation, Rollout]:
    """A rollout that somebody steers, whose service is at the revision that they believe in."""
    operation, rollout = find_rollout(state, operation_id)
    find_service(state, operation.service, context)
    return operation, rollout


def with_servers(
    service: Service, rollout: Rollout, addresses: Collection[str], change: Callable[[Upstream], Upstream]
) -> Service:
    """The service with some upstreams of the rollout's color changed; the same object if nothing is."""
    pool = service.pool(rollout.color)
    changed = tuple(change(each) if each.address in addresses else each for each in pool)
    return service if changed == pool else with_pool(service, rollout.color, changed)


def put(state: State, operation: Operation, rollout: Rollout, service: Service) -> Reduction:
    """The state with a rollout, and its service, as they are now. Who has changed nothing leaves its revision alone."""
    after = state if service is state.services[service.name] else with_service(state, service)
    operation = replace(operation, rollout=rollout)
    return Reduction(with_operation(after, operation), operation, durable=True)


def elsewhere(operation: Operation) -> Refused:
    """It has gone on, or waits, meanwhile."""
    return Refused(RefusalCode.OPERATION_RUNNING, f"{operation.id} stands elsewhere by now", operation=operation.id)
