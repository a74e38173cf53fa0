from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.control.forecast import Drain, Now, forecast
from proxy.control.load import Load
from proxy.shm.names import BUCKETS
from proxy.traffic.audience import HoldRule, StickyBy, StickyRule
from proxy.traffic.model import Health, Operation, OperationKind, Service, Upstream
from proxy.traffic.spec import AdminState, Color, ServiceSpec, UpstreamSpec


def upstreams(name: str, healthy: int, sick: int = 0, **facts: Any) -> tuple[Upstream, ...]:
    """A pool."""
    up = (Upstream(f"{name}:{n}", health=Health.HEALTHY, **facts) for n in range(healthy))
    down = (Upstream(f"{name}-sick:{n}", health=Health.UNHEALTHY) for n in range(sick))
    return (*up, *down)


def shop(blue: tuple[Upstream, ...], green: tuple[Upstream, ...], split: int = 0, **facts: Any) -> Service:
    """A service with these pools."""
    spec = ServiceSpec("shop", (UpstreamSpec("a:1"),), (UpstreamSpec("b:1"),), **facts)
    return Service(spec, blue, green, split)


def busy(rate: float, seconds: float = 0.25, requests: int = 0, tunnels: int = 0) -> Now:
    """A color with so many requests a second that take so long."""
    place = BUCKETS.index(seconds)
    return Now(Load(10.0, round(rate * 10), (0,) * place + (round(rate * 10),)), requests, tunnels)


IDLE = Now(Load(10.0, 0), 0, 0)
UNKNOWN = Now(None, 0, 0)


def test_a_switch_to_a_color_of_which_one_in_four_is_well() -> None:
    """Who moves, what each upstream would have, what drains, and the warning that matters."""
    service = shop(upstreams("a", 4), upstreams("b", 1, sick=3))
    told = forecast(
        service,
        replace(service, split=10_000),
        10_000,
        {Color.BLUE: busy(80, requests=5, tunnels=2), Color.GREEN: IDLE},
    )
    assert (told.moves, told.users, told.per_second) == (100.0, False, 80.0)
    capacity = told.capacity
    assert capacity is not None
    assert (capacity.color, capacity.healthy, capacity.total, capacity.times) == (Color.GREEN, 1, 4, 4.0)
    assert (capacity.per_upstream_now, capacity.per_upstream_then) == (0.0, 80.0)
    assert [upstream.address for upstream in capacity.unhealthy] == ["b-sick:0", "b-sick:1", "b-sick:2"]
    assert told.drains == (Drain(Color.BLUE, 5, 2, 0.25, 30.0, 300.0),)
    assert told.warnings == (
        "green has 1 of 4 upstreams healthy, and each would get 4.0 times what one of blue has now",
        "2 tunnels and event streams on blue would be ended after 300 s",
    )


def test_a_share_of_the_traffic_drains_nothing() -> None:
    """And moves what it says of what there is."""
    service = shop(upstreams("a", 2), upstreams("b", 2), split=1_000)
    told = forecast(service, replace(service, split=3_500), 3_500, {Color.BLUE: busy(90), Color.GREEN: busy(10)})
    assert (told.moves, told.per_second, told.drains, told.warnings) == (25.0, 25.0, (), ())
    assert told.capacity is not None
    assert (told.capacity.per_upstream_now, told.capacity.per_upstream_then) == (5.0, 17.5)


def test_nothing_is_made_up_where_nothing_is_known() -> None:
    """Rates and times are missing then; what the pools say is told all the same."""
    service = shop(upstreams("a", 4), upstreams("b", 2))
    told = forecast(service, service, 10_000, {Color.BLUE: UNKNOWN, Color.GREEN: UNKNOWN})
    assert (told.per_second, told.drains[0].expected, told.capacity and told.capacity.per_upstream_then) == (None,) * 3
    assert told.warnings == ("each upstream of green would get 2.0 times what one of blue has now",)


def test_a_color_that_cannot_serve_at_all() -> None:
    """What was forced is told in plain words; upstreams that nobody wants are no capacity."""
    service = shop(upstreams("a", 1), upstreams("b", 2, admin=AdminState.DRAIN))
    told = forecast(service, service, 10_000, {Color.BLUE: IDLE, Color.GREEN: IDLE})
    assert told.warnings == ("green has no healthy upstream to take the traffic",)
    assert told.capacity is not None
    assert (told.capacity.times, len(told.capacity.unhealthy)) == (None, 2)


def test_weights_are_told() -> None:
    """One upstream may stand for many."""
    green = (*upstreams("b", 1, weight=5), *upstreams("c", 0, sick=1))
    service = shop(upstreams("a", 1), green)
    capacity = forecast(service, service, 10_000, {Color.BLUE: IDLE, Color.GREEN: IDLE}).capacity
    assert capacity is not None
    assert (capacity.healthy_weight, capacity.total_weight) == (5, 6)


def test_without_health_checks_all_are_taken_to_be_well() -> None:
    """As they are when requests are routed."""
    service = shop(upstreams("a", 1), upstreams("b", 0, sick=2), health=None)
    capacity = forecast(service, service, 10_000, {Color.BLUE: IDLE, Color.GREEN: IDLE}).capacity
    assert capacity is not None
    assert (capacity.healthy, capacity.unhealthy) == (2, ())


def test_requests_that_take_longer_than_a_drain_are_warned_of() -> None:
    """They would be cut. A color that has nothing to do drains in no time."""
    service = shop(upstreams("a", 1), upstreams("b", 1))
    told = forecast(service, service, 10_000, {Color.BLUE: busy(3, seconds=60.0), Color.GREEN: IDLE})
    assert told.warnings == ("some requests on blue take longer than 30 s, after which they would be cut",)
    quiet = forecast(service, service, 10_000, {Color.BLUE: IDLE, Color.GREEN: IDLE})
    assert quiet.drains[0].expected == 0.0


def test_users_are_told_from_requests() -> None:
    """Where they keep their color, it is users who move."""
    service = shop(upstreams("a", 1), upstreams("b", 1), sticky=StickyRule(StickyBy.COOKIE, "u"))
    assert forecast(service, service, 500, {Color.BLUE: IDLE, Color.GREEN: IDLE}).users is True


@pytest.mark.parametrize(("places", "warns"), [(1000, False), (100, True)])
def test_a_hold_that_would_run_over(places: int, *, warns: bool) -> None:
    """Requests a second times the time that each may wait is what has to fit."""
    service = shop(upstreams("a", 1), upstreams("b", 1))
    held = replace(service, hold=HoldRule(max_wait=10.0, max_requests=places))
    told = forecast(service, held, 0, {Color.BLUE: busy(50), Color.GREEN: IDLE})
    assert (told.held_per_second, told.capacity, told.drains) == (50.0, None, ())
    assert bool(told.warnings) is warns


def test_who_is_in_the_way_is_named() -> None:
    """First of all warnings."""
    service = shop(upstreams("a", 1), upstreams("b", 1))
    shift = Operation("op-3", "shop", OperationKind.SHIFT, "alice", None, 0.0, 0, 10_000, ())
    told = forecast(service, service, 10_000, {Color.BLUE: IDLE, Color.GREEN: IDLE}, shift)
    assert told.warnings == ("shift op-3 by alice is running: it would have to end first",)
