"""What a rolling deployment would do, from what is known now: who goes out with whom, and what the others carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from proxy.control.forecast import MUCH, Now, drained_within
from proxy.traffic.fitness import serves
from proxy.traffic.listing import listed
from proxy.traffic.model import Service, State
from proxy.traffic.rollout.batches import available, batch_size, batches, required, room
from proxy.traffic.rollout.plan import CommandHook, ManualHook, WebhookHook
from proxy.traffic.rollout.rollout import Rollout
from proxy.traffic.spec import Color


@dataclass(frozen=True, slots=True)
class BatchForecast:
    """One batch, as it would be."""

    number: int
    servers: tuple[str, ...]
    serving: int
    """So many serve meanwhile."""
    per_server: float | None
    """Requests a second for each of them; ``None``: not known yet, or nobody is left."""
    times: float | None
    """That load against the one of now."""


@dataclass(frozen=True, slots=True)
class RolloutForecast:
    """All of it. Times are seconds."""

    color: Color
    batches: tuple[BatchForecast, ...]
    left_over: tuple[str, ...]
    """Servers that would have to wait, for too few serve."""
    available: int
    min_available: int
    per_server_now: float | None
    """Requests a second for each server that serves."""
    drain_expected: float | None
    """In which nearly all requests of a server have ended lately; ``None``: not known."""
    drain_timeout: float
    """After which the others would be cut."""
    at_least: float
    """What slow start and watching take in all."""
    warnings: tuple[str, ...]


def rollout_forecast(
    before: State, service: Service, rollout: Rollout, now: Now, in_flight: Mapping[str, int]
) -> RolloutForecast:
    """What would happen if a rollout began now.

    Args:
        before: the state, without it.
        service: whose servers are updated.
        rollout: as it would begin.
        now: what its color is doing.
        in_flight: requests on each of its servers, by address.
    """
    found, left = _batches(service, rollout, now, in_flight)
    plan, rate = rollout.plan, now.load.per_second if now.load else None
    serving = available(service, rollout.color)
    return RolloutForecast(
        color=rollout.color,
        batches=found,
        left_over=left,
        available=serving,
        min_available=required(service, rollout),
        per_server_now=None if rate is None or not serving else rate / serving,
        drain_expected=drained_within(now),
        drain_timeout=service.spec.drain.timeout if plan.drain_timeout is None else plan.drain_timeout,
        at_least=sum(plan.slow_start.over + (plan.watch if n else plan.first_watch) for n in range(len(found))),
        warnings=tuple(_warnings(before, service, rollout, found, left)),
    )


def _batches(
    service: Service, rollout: Rollout, now: Now, in_flight: Mapping[str, int]
) -> tuple[tuple[BatchForecast, ...], tuple[str, ...]]:
    """One after the other, each taken out when the one before it is back; and those for whom there is no room."""
    weights = {each.address: each.weight for each in service.pool(rollout.color) if serves(service, each)}
    whole, rate = sum(weights.values()), now.load.per_second if now.load else None
    found: list[BatchForecast] = []
    for servers in batches(service, rollout, in_flight):
        away = [weights[address] for address in servers if address in weights]
        serving, weight = len(weights) - len(away), whole - sum(away)
        per_server = None if rate is None or not serving else rate / serving
        times = whole / weight if weight else None
        found.append(BatchForecast(rollout.batch + len(found) + 1, servers, serving, per_server, times))
    placed = {address for batch in found for address in batch.servers}
    return tuple(found), tuple(turn.address for turn in rollout.to_do if turn.address not in placed)


def _warnings(
    before: State, service: Service, rollout: Rollout, batches: tuple[BatchForecast, ...], left: tuple[str, ...]
) -> Iterator[str]:
    yield from _lacking(service, rollout)
    yield from _little_room(service, rollout, batches, left)
    yield from _nothing_to_go_by(service, rollout, batches)
    yield from _no_way_back(before, service, rollout)


def _lacking(service: Service, rollout: Rollout) -> Iterator[str]:
    pool = {each.address: each for each in service.pool(rollout.color)}
    unfit = [turn.address for turn in rollout.turns if not serves(service, pool[turn.address])]
    if unfit and service.share(rollout.color):
        yield f"{listed(unfit)} {'is' if len(unfit) == 1 else 'are'} not serving, which leaves less room for the others"


def _little_room(
    service: Service, rollout: Rollout, batches: tuple[BatchForecast, ...], left: tuple[str, ...]
) -> Iterator[str]:
    color, size = rollout.color, batch_size(service, replace(rollout, batch=1))
    if left:
        need, have = required(service, rollout), available(service, color)
        yield f"{listed(left)} would have to wait: {have} of {color} serve, and {need} have to"
    elif service.share(color) and len(batches) > 2 and len(batches[1].servers) < size:
        yield f"min_available leaves room for {room(service, rollout)} at a time, and not for {size}"
    if service.share(color) and any(not batch.serving for batch in batches):
        yield f"nobody of {color} would be left to serve meanwhile"
    busy = (batch.times for batch in batches if batch.times is not None and batch.per_server != 0.0)
    most = max(busy, default=0.0)
    if service.share(color) and most >= MUCH:
        yield f"each server that is left would get up to {most:.1f} times what it has now"


def _nothing_to_go_by(service: Service, rollout: Rollout, batches: tuple[BatchForecast, ...]) -> Iterator[str]:
    plan, live = rollout.plan, service.share(rollout.color) > 0
    if service.spec.health is None:
        yield f"service {service.name} has no health checks: an updated server is taken to be well"
    if plan.judged and (not live or len(batches) < 2):
        why = f"{rollout.color} has no traffic" if not live else "no server is left as it was"
        yield f"nothing can be judged: {why}"
    if plan.detect is None and isinstance(plan.hook, CommandHook | WebhookHook):
        yield "versions are not detected: a hook that did nothing would not be noticed"


def _no_way_back(before: State, service: Service, rollout: Rollout) -> Iterator[str]:
    plan, warm = rollout.plan, before.warm.get(service.name)
    if plan.previous_version is None and plan.detect is None and not isinstance(plan.hook, ManualHook):
        yield "what the servers run now would not be known: nothing could restore it"
    if warm is not None:
        yield f"shift {warm.operation} would no longer be watched, and going back would lead to other servers"
    elif service.previous_split is not None and not service.share(rollout.color):
        yield f"{rollout.color} is where a rollback leads: it would find other servers than before"
