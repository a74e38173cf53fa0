from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from proxy.traffic.commands import ChangeUpstream, ObserveEjection, ObserveHealth, RemoveUpstream
from proxy.traffic.configure import initial_state
from proxy.traffic.model import Health, State
from proxy.traffic.spec import AdminState, Color, DoorSpec
from proxy.traffic.table import compile_table, eligible, fails_open
from tests.traffic import states as world
from tests.traffic.states import after, serving

BLUE_1, BLUE_2 = "10.0.0.1:80", "10.0.0.2:80"


def blue(state: State) -> list[str]:
    """The addresses that the table offers in blue."""
    return [upstream.address for upstream in compile_table(state).services[0].blue]


@given(state=world.states())
def test_what_the_operator_does_not_want_is_in_no_table(state: State) -> None:
    """Weight 0, drain and maint are never offered, not even where that leaves nothing."""
    for offered in compile_table(state).services:
        service = state.services[offered.name]
        for color in Color:
            wanted = {u.address for u in service.pool(color) if u.weight > 0 and u.admin is AdminState.READY}
            addresses = {u.address for u in offered.pool(color)}
            assert addresses <= wanted
            assert bool(addresses) is bool(wanted)
            assert all(u.weight >= 1 for u in offered.pool(color))


@given(state=world.states())
def test_one_fit_upstream_keeps_the_unfit_out(state: State) -> None:
    """Where anything is known to answer, nothing else is offered."""
    for service in state.services.values():
        for color in Color:
            fit = [u for u in service.pool(color) if u.wanted and u.fit]
            if fit and service.spec.health is not None:
                assert list(eligible(service, color)) == fit


@given(state=world.states())
def test_a_table_is_of_its_states_generation(state: State) -> None:
    """Services, splits and the generation are the state's."""
    table = compile_table(state)
    assert table.generation == state.generation
    assert [(s.name, s.split) for s in table.services] == [(s.name, s.split) for s in state.services.values()]


def test_unhealthy_and_ejected_upstreams_are_left_out() -> None:
    """The rest of the pool serves."""
    assert blue(after(serving(), ObserveHealth("shop", Color.BLUE, BLUE_1, Health.UNHEALTHY))) == [BLUE_2]
    assert blue(after(serving(), ObserveEjection("shop", Color.BLUE, BLUE_2, True))) == [BLUE_1]


@pytest.mark.parametrize("health", [Health.UNKNOWN, Health.UNHEALTHY])
def test_with_none_fit_all_are_tried(health: Health) -> None:
    """Fail open: an upstream that might answer is better than an error page for everybody, and the service says so."""
    state = serving()
    service = world.with_healthy(state.services["shop"], Color.BLUE, health=health)
    assert blue(replace(state, services={"shop": service})) == [BLUE_1, BLUE_2]
    assert fails_open(service, Color.BLUE)
    assert not fails_open(service, Color.GREEN)


def test_fail_open_spares_those_that_the_operator_took_out() -> None:
    """Even with all unfit, a drained upstream gets nothing."""
    state = after(initial_state(DoorSpec(), (world.shop(),)), ChangeUpstream("shop", Color.BLUE, BLUE_1, weight=0))
    assert blue(state) == [BLUE_2]


def test_an_empty_color_does_not_fail_open() -> None:
    """Nothing is offered, and nothing is claimed."""
    state = after(
        serving(),
        RemoveUpstream("shop", Color.BLUE, BLUE_1, force=True),
        RemoveUpstream("shop", Color.BLUE, BLUE_2, force=True),
    )
    assert blue(state) == []
    assert not fails_open(state.services["shop"], Color.BLUE)


def test_without_checks_only_ejections_count() -> None:
    """Where nothing is probed, unknown is fine; what real requests showed is not."""
    state = initial_state(DoorSpec(), (world.shop(health=None),))
    assert blue(state) == [BLUE_1, BLUE_2]
    assert not fails_open(state.services["shop"], Color.BLUE)
    assert blue(after(state, ObserveEjection("shop", Color.BLUE, BLUE_1, True))) == [BLUE_2]


def test_without_outlier_rule_workers_never_report() -> None:
    """The table says after how many errors to report, or that it is not wanted."""
    quiet = replace(world.shop(), outlier=None)
    tables = [compile_table(initial_state(DoorSpec(), (spec,))) for spec in (world.shop(), quiet)]
    assert [table.services[0].consecutive_errors for table in tables] == [5, None]
