"""What a change would do to the traffic, from what is known now: the part of a plan that no state can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from proxy.control.load import Load
from proxy.traffic.fitness import gains
from proxy.traffic.model import FULL_SPLIT, Operation, Service, Upstream
from proxy.traffic.reduction import left_colors
from proxy.traffic.spec import Color

MUCH: Final = 1.25
"""So many times the load of now is worth a warning."""

_TAIL: Final = 0.99
"""The share of requests that a drain is expected to wait for."""


@dataclass(frozen=True, slots=True)
class Now:
    """What one color is doing."""

    load: Load | None
    """Lately; ``None``: it is not known yet."""
    requests: int
    """In flight."""
    tunnels: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """A color that gains traffic, against what it would have to carry."""

    color: Color
    healthy: int
    """Upstreams that would take requests."""
    total: int
    healthy_weight: int
    total_weight: int
    per_upstream_now: float | None
    """Requests a second and healthy upstream."""
    per_upstream_then: float | None
    times: float | None
    """A healthy upstream's load then, against that of one of the live color's now."""
    unhealthy: tuple[Upstream, ...]


@dataclass(frozen=True, slots=True)
class Drain:
    """A color that would have nothing any more, and what it would still have to finish."""

    color: Color
    requests: int
    tunnels: int
    """Upgraded connections and event streams, which would have to move."""
    expected: float | None
    """Seconds in which nearly all requests have ended lately."""
    timeout: float
    """Seconds after which requests are cut."""
    tunnels_timeout: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a change would do."""

    moves: float
    """Share of the traffic that would have another color, in percent."""
    users: bool
    """Whether that is a share of users, who keep their color, and not of requests."""
    per_second: float | None
    """Requests a second that would go elsewhere."""
    capacity: Capacity | None
    """``None``: no color gains."""
    drains: tuple[Drain, ...]
    held_per_second: float | None
    """Requests a second that would be parked; ``None``: none are."""
    warnings: tuple[str, ...]


def forecast(
    before: Service, after: Service, target: int, now: Mapping[Color, Now], conflict: Operation | None = None
) -> Forecast:
    """What would happen if ``before`` became ``after``, and green's share ``target`` in the end."""
    color, rate = gains(before, target), _rate(now)
    moved = abs(target - before.split)
    capacity = _capacity(before, after, color, target, now) if color else None
    drains = tuple(_drain(after, left, now[left]) for left, _ in left_colors(before.split, target))
    held = rate if after.hold is not None and before.hold is None else None
    return Forecast(
        moves=moved / 100,
        users=before.spec.sticky is not None,
        per_second=None if rate is None else rate * moved / FULL_SPLIT,
        capacity=capacity,
        drains=drains,
        held_per_second=held,
        warnings=(*_conflicts(conflict), *_overload(before, capacity), *_slow(drains), *_parked(after, held)),
    )


def _rate(now: Mapping[Color, Now]) -> float | None:
    known = [each.load.per_second for each in now.values() if each.load]
    return sum(known) if known else None


def _capacity(before: Service, after: Service, color: Color, target: int, now: Mapping[Color, Now]) -> Capacity:
    pool, rate, load = after.pool(color), _rate(now), now[color].load
    healthy = [upstream for upstream in pool if _serves(after, upstream)]
    share = target if color is Color.GREEN else FULL_SPLIT - target
    busy = sum(_serves(before, upstream) for upstream in before.pool(before.live))
    each = share / len(healthy) if healthy else None
    return Capacity(
        color=color,
        healthy=len(healthy),
        total=len(pool),
        healthy_weight=sum(upstream.weight for upstream in healthy),
        total_weight=sum(upstream.weight for upstream in pool),
        per_upstream_now=load.per_second / len(healthy) if load and healthy else None,
        per_upstream_then=rate * each / FULL_SPLIT if rate is not None and each is not None else None,
        times=each * busy / before.share(before.live) if each is not None and busy else None,
        unhealthy=tuple(upstream for upstream in pool if not _serves(after, upstream)),
    )


def _serves(service: Service, upstream: Upstream) -> bool:
    return upstream.wanted and (service.spec.health is None or upstream.fit)


def _drain(service: Service, color: Color, now: Now) -> Drain:
    rule = service.spec.drain
    return Drain(color, now.requests, now.tunnels, drained_within(now), rule.timeout, rule.long_lived_timeout)


def drained_within(now: Now) -> float | None:
    """Seconds in which nearly all requests of a color have ended lately; ``None``: that is not known."""
    if now.load is None:
        return None
    quiet = now.load.admitted == 0 and now.requests == 0
    return 0.0 if quiet else now.load.quantile(_TAIL)


def _conflicts(conflict: Operation | None) -> Iterator[str]:
    if conflict is not None:
        yield f"{conflict.kind} {conflict.id} by {conflict.by} is {conflict.state}: it would have to end first"


def _overload(before: Service, capacity: Capacity | None) -> Iterator[str]:
    if capacity is None:
        return
    color, much = capacity.color, capacity.times is not None and capacity.times >= MUCH
    load = f"{capacity.times or 0:.1f} times what one of {before.live} has now"
    if not capacity.healthy:
        yield f"{color} has no healthy upstream to take the traffic"
    elif capacity.healthy < capacity.total:
        more = f", and each would get {load}" if much else ""
        yield f"{color} has {capacity.healthy} of {capacity.total} upstreams healthy{more}"
    elif much:
        yield f"each upstream of {color} would get {load}"


def _slow(drains: tuple[Drain, ...]) -> Iterator[str]:
    for drain in drains:
        if drain.expected is not None and drain.expected > drain.timeout:
            yield f"some requests on {drain.color} take longer than {drain.timeout:g} s, after which they would be cut"
        if drain.tunnels:
            what = "1 tunnel or event stream" if drain.tunnels == 1 else f"{drain.tunnels} tunnels and event streams"
            yield f"{what} on {drain.color} would be ended after {drain.tunnels_timeout:g} s"


def _parked(after: Service, held: float | None) -> Iterator[str]:
    if held and after.hold is not None and after.hold.max_requests < held * after.hold.max_wait:
        yield f"{held:.0f} requests a second would fill all {after.hold.max_requests} places: others would get 503"
