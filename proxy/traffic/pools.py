"""Commands that change which servers a color has, and how much each of them may take."""

from __future__ import annotations

from dataclasses import replace

from proxy.traffic.commands import AddUpstream, ChangeUpstream, Context, RemoveUpstream, ReplacePool, UpstreamWill
from proxy.traffic.model import Health, Operation, OperationKind, Pool, Service, State, Upstream
from proxy.traffic.reduction import (
    Change,
    Reduction,
    end_returned,
    find_service,
    forget_gone,
    new_operation,
    with_service,
)
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import AdminState, Color

PoolCommand = ReplacePool | AddUpstream | ChangeUpstream | RemoveUpstream


def reduce_pool(state: State, command: PoolCommand, context: Context) -> Reduction:
    """The state after a change of one color's upstreams; those that lose their traffic drain in an operation.

    Raises:
        Refused: unknown service or upstream, a stale revision, a duplicate, or a color that would be left without help.
    """
    service = find_service(state, command.service, context)
    _refuse_under_way(state, command)
    return _apply(state, service, command.color, _next_pool(service, command), context)


def _refuse_under_way(state: State, command: PoolCommand) -> None:
    """What a rollout has out at the moment is the rollout's."""
    running = state.rollout_of(command.service)
    if running is None or running.rollout is None or running.rollout.color is not command.color:
        return
    out = [turn.address for turn in running.rollout.under_way]
    touched = out if isinstance(command, ReplacePool) else [each for each in out if each == _named(command)]
    if touched:
        detail = f"{', '.join(touched)} is being updated by roll {running.id}; wait for it, or abort it"
        raise Refused(RefusalCode.OPERATION_RUNNING, detail, operation=running.id)


def _named(command: AddUpstream | ChangeUpstream | RemoveUpstream) -> str:
    return command.upstream.address if isinstance(command, AddUpstream) else command.address


def _next_pool(service: Service, command: PoolCommand) -> Pool:
    match command:
        case ReplacePool():
            return _replaced(service, command)
        case AddUpstream():
            return _added(service, command)
        case ChangeUpstream():
            return _changed(service, command)
        case RemoveUpstream():
            return _removed(service, command)


def with_pool(service: Service, color: Color, pool: Pool) -> Service:
    """The service with another pool in one color."""
    return replace(service, blue=pool) if color is Color.BLUE else replace(service, green=pool)


def find_upstream(service: Service, color: Color, address: str) -> Upstream:
    """The upstream of that address in a color."""
    for upstream in service.pool(color):
        if upstream.address == address:
            return upstream
    raise Refused(RefusalCode.UPSTREAM_NOT_FOUND, f"{color} of service {service.name} has no upstream {address}")


def _replaced(service: Service, command: ReplacePool) -> Pool:
    known = {upstream.address: upstream for upstream in service.pool(command.color)}
    pool: list[Upstream] = []
    for will in command.upstreams:
        if any(will.address == other.address for other in pool):
            raise _duplicate(command.color, will.address)
        before = known.get(will.address, Upstream(will.address))
        health = command.health.get(will.address, before.health)
        pool.append(replace(before, weight=will.weight, admin=will.admin, health=health))
    if service.share(command.color) > 0 and not command.force:
        _refuse_helpless(service, command.color, tuple(pool))
    return tuple(pool)


def _refuse_helpless(service: Service, color: Color, pool: Pool) -> None:
    """Traffic must not be moved onto servers none of which is known to answer."""
    wanted = [upstream for upstream in pool if upstream.wanted]
    if not wanted:
        raise Refused(
            RefusalCode.POOL_EMPTY, f"{color} has traffic and would be left without an upstream that may take it"
        )
    if service.spec.health is not None and not any(upstream.fit for upstream in wanted):
        raise Refused(
            RefusalCode.COLOR_NOT_HEALTHY,
            f"none of the new upstreams of {color} answers its health check; pass force to use them all the same",
            color=color.value,
        )


def _added(service: Service, command: AddUpstream) -> Pool:
    pool, will = service.pool(command.color), command.upstream
    if any(upstream.address == will.address for upstream in pool):
        raise _duplicate(command.color, will.address)
    return (*pool, Upstream(will.address, will.weight, will.admin))


def _changed(service: Service, command: ChangeUpstream) -> Pool:
    before = find_upstream(service, command.color, command.address)
    after = replace(
        before,
        weight=before.weight if command.weight is None else command.weight,
        admin=before.admin if command.admin is None else command.admin,
    )
    if AdminState.MAINT in (before.admin, after.admin) and before.admin is not after.admin:
        after = replace(after, health=Health.UNKNOWN, ejected=False)  # what was known before says nothing of it now
    return tuple(after if upstream is before else upstream for upstream in service.pool(command.color))


def _removed(service: Service, command: RemoveUpstream) -> Pool:
    gone = find_upstream(service, command.color, command.address)
    pool = tuple(upstream for upstream in service.pool(command.color) if upstream is not gone)
    helpless = not any(upstream.wanted for upstream in pool)
    if gone.wanted and helpless and service.share(command.color) > 0 and not command.force:
        raise Refused(
            RefusalCode.LAST_UPSTREAM,
            f"{gone.address} is the last upstream of {command.color}, which has traffic; pass force to remove it",
        )
    return pool


def _duplicate(color: Color, address: str) -> Refused:
    return Refused(RefusalCode.DUPLICATE_UPSTREAM, f"{address} is already an upstream of {color}", address=address)


def _apply(state: State, service: Service, color: Color, pool: Pool, context: Context) -> Reduction:
    before = service.pool(color)
    changes = pool_changes(color, before, pool)
    if not changes:
        return Reduction(state)
    operation = _drain(state, service, color, pool, context)
    after, over = end_returned(with_service(state, with_pool(service, color, pool), operation), context)
    after = forget_gone(after)
    return Reduction(
        after,
        operation=operation,
        ended=over,
        changes=changes,
        durable=True,
    )


def _drain(state: State, service: Service, color: Color, pool: Pool, context: Context) -> Operation | None:
    """The operation that watches upstreams finish which took requests before and take none now."""
    serving = {upstream.address for upstream in pool if upstream.wanted}
    leaving = tuple((color, u.address) for u in service.pool(color) if u.wanted and u.address not in serving)
    if not leaving:
        return None
    return new_operation(state, service, OperationKind.DRAIN, service.split, leaving, context)


def pool_changes(color: Color, before: Pool, after: Pool) -> tuple[Change, ...]:
    """What became different between two pools, as the journal tells it."""
    old, new = ({u.address: UpstreamWill(u.address, u.weight, u.admin) for u in pool} for pool in (before, after))
    changes: list[Change] = []
    for address in {**old, **new}:
        changes += _will_changes(f"pools.{color}.{address}", old.get(address), new.get(address))
    return tuple(changes)


def _will_changes(path: str, old: UpstreamWill | None, new: UpstreamWill | None) -> list[Change]:
    if old is None or new is None:
        return [Change(path, _words(old), _words(new))]
    changes = []
    if old.weight != new.weight:
        changes.append(Change(f"{path}.weight", old.weight, new.weight))
    if old.admin is not new.admin:
        changes.append(Change(f"{path}.admin", old.admin.value, new.admin.value))
    return changes


def _words(will: UpstreamWill | None) -> str | None:
    return None if will is None else f"weight {will.weight}, {will.admin.value}"
