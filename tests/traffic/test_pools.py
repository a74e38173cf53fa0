from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from proxy.traffic.commands import (
    AddUpstream,
    ChangeUpstream,
    Command,
    Context,
    MarkApplied,
    ObserveEjection,
    ObserveHealth,
    RemoveUpstream,
    ReplacePool,
    Switch,
    UpstreamWill,
)
from proxy.traffic.configure import initial_state
from proxy.traffic.model import Health, OperationKind, OperationState, Phase, Receipt, State, Upstream
from proxy.traffic.pools import pool_changes
from proxy.traffic.reducer import reduce
from proxy.traffic.reduction import Change
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import AdminState, Color, DoorSpec
from tests.traffic import states as world
from tests.traffic.states import CONTEXT, after, serving

BLUE_1, BLUE_2, GREEN_1, NEW = "10.0.0.1:80", "10.0.0.2:80", "10.0.1.1:80", "10.0.0.9:80"


def refused(state: State, command: Command) -> RefusalCode:
    """Why a command is refused."""
    with pytest.raises(Refused) as caught:
        reduce(state, command, CONTEXT)
    return caught.value.code


def blue(state: State) -> dict[str, Upstream]:
    """Blue's upstreams by address."""
    return {upstream.address: upstream for upstream in state.services["shop"].blue}


def change(address: str = BLUE_1, *, weight: int | None = None, admin: AdminState | None = None) -> ChangeUpstream:
    """A change of one of blue's upstreams."""
    return ChangeUpstream("shop", Color.BLUE, address, weight=weight, admin=admin)


@given(state=world.states(), command=world.pool_commands)
def test_addresses_stay_unique(state: State, command: Command) -> None:
    """No command puts one address into a color twice."""
    try:
        result = reduce(state, command, CONTEXT).state
    except Refused:
        return
    for service in result.services.values():
        for color in Color:
            addresses = [upstream.address for upstream in service.pool(color)]
            assert len(addresses) == len(set(addresses))


@given(state=world.states(), command=world.pool_commands)
def test_who_loses_new_requests_is_drained(state: State, command: Command) -> None:
    """An upstream that took requests and takes none after the command is among those that an operation waits for."""
    try:
        reduction = reduce(state, command, CONTEXT)
    except Refused:
        return
    for name, service in state.services.items():
        for color in Color:
            serving_after = {u.address for u in reduction.state.services[name].pool(color) if u.wanted}
            lost = {(color, u.address) for u in service.pool(color) if u.wanted and u.address not in serving_after}
            if lost:
                assert reduction.operation is not None
                assert lost == set(reduction.operation.leaving)
                assert reduction.operation.kind is OperationKind.DRAIN


@given(state=world.states(), command=world.commands)
def test_nothing_that_takes_new_requests_is_waited_for(state: State, command: Command) -> None:
    """No running operation drains an upstream that the operator wants to serve."""
    try:
        result = reduce(state, command, CONTEXT).state
    except Refused:
        return
    for operation in result.operations.values():
        for color, address in operation.leaving:
            pool = result.services[operation.service].pool(color)
            assert address is None or not any(u.address == address and u.wanted for u in pool)


def test_a_weight_is_changed_and_told() -> None:
    """Only the weight changes, health stays, nothing drains."""
    reduction = reduce(serving(), change(weight=7), CONTEXT)
    assert blue(reduction.state)[BLUE_1] == Upstream(BLUE_1, 7, health=Health.HEALTHY)
    assert reduction.changes == (Change(f"pools.blue.{BLUE_1}.weight", 1, 7),)
    assert reduction.operation is None


@pytest.mark.parametrize("last", [change(weight=0), change(admin=AdminState.DRAIN), change(admin=AdminState.MAINT)])
def test_taking_an_upstream_out_of_service_drains_it(last: ChangeUpstream) -> None:
    """Weight 0, drain and maint begin an operation that waits for that one upstream."""
    operation = reduce(serving(), last, CONTEXT).operation
    assert operation is not None
    assert (operation.kind, operation.leaving) == (OperationKind.DRAIN, ((Color.BLUE, BLUE_1),))


def test_an_upstream_that_serves_again_ends_its_drain() -> None:
    """Made ready again while it drains, it is no longer waited for, and above all not cut at the deadline."""
    state = after(serving(), change(admin=AdminState.DRAIN), MarkApplied("op-1", Receipt(generation=2)))
    reduction = reduce(state, change(admin=AdminState.READY), CONTEXT)
    (over,) = reduction.ended
    assert (over.id, over.state, over.phase) == ("op-1", OperationState.ABORTED, Phase.ENDED)
    assert over.note == f"{BLUE_1} takes new requests again"
    assert reduction.state.operations == {}


def test_other_changes_leave_a_drain_alone() -> None:
    """An upstream that drains goes on draining while another one is changed."""
    state = after(serving(), change(admin=AdminState.DRAIN), change(BLUE_2, weight=5))
    assert list(state.operations) == ["op-1"]


def test_what_changes_nothing_is_nothing() -> None:
    """Asked for what is so already, the state stays the very same."""
    state = serving()
    assert reduce(state, change(weight=1, admin=AdminState.READY), CONTEXT).state is state


def test_health_is_forgotten_in_maintenance() -> None:
    """Out of maint an upstream comes back through a check; what was known before says nothing of it now."""
    state = after(serving(), ObserveEjection("shop", Color.BLUE, BLUE_1, True), change(admin=AdminState.MAINT))
    assert blue(state)[BLUE_1] == Upstream(BLUE_1, 1, AdminState.MAINT)
    late = after(state, ObserveHealth("shop", Color.BLUE, BLUE_1, Health.HEALTHY))
    assert blue(late)[BLUE_1].health is Health.UNKNOWN


def test_health_survives_a_change_of_weight() -> None:
    """An ejected upstream stays ejected, whatever its weight becomes: identity is the address."""
    state = after(serving(), ObserveEjection("shop", Color.BLUE, BLUE_1, True), change(weight=9))
    assert blue(state)[BLUE_1].ejected


def test_a_new_upstream_is_unknown_until_probed() -> None:
    """What is added joins at the end, with nothing known of it."""
    state = after(serving(), AddUpstream("shop", Color.BLUE, UpstreamWill(NEW, 3)))
    assert state.services["shop"].blue[-1] == Upstream(NEW, 3)


def test_duplicates_are_refused() -> None:
    """An address can be in a color once; in the other color as well is fine."""
    state = serving()
    assert refused(state, AddUpstream("shop", Color.BLUE, UpstreamWill(BLUE_1))) is RefusalCode.DUPLICATE_UPSTREAM
    twice = ReplacePool("shop", Color.GREEN, (UpstreamWill(NEW), UpstreamWill(NEW, 2)))
    assert refused(state, twice) is RefusalCode.DUPLICATE_UPSTREAM
    both = after(state, AddUpstream("shop", Color.GREEN, UpstreamWill(BLUE_1)))
    assert both.services["shop"].green[-1].address == BLUE_1


def test_unknown_upstreams_are_refused() -> None:
    """Changing or removing what is not there is refused by name."""
    assert refused(serving(), change(NEW, weight=2)) is RefusalCode.UPSTREAM_NOT_FOUND
    assert refused(serving(), RemoveUpstream("shop", Color.GREEN, BLUE_1)) is RefusalCode.UPSTREAM_NOT_FOUND


def test_the_last_upstream_of_a_color_with_traffic_stays() -> None:
    """It can only be removed with force; that of a color without traffic can always go."""
    state = after(serving(), RemoveUpstream("shop", Color.BLUE, BLUE_2))
    last = RemoveUpstream("shop", Color.BLUE, BLUE_1)
    assert refused(state, last) is RefusalCode.LAST_UPSTREAM
    assert after(state, replace(last, force=True)).services["shop"].blue == ()
    idle = after(serving(), RemoveUpstream("shop", Color.GREEN, GREEN_1))
    assert after(idle, RemoveUpstream("shop", Color.GREEN, "10.0.1.2:80")).services["shop"].green == ()


def test_a_pool_with_traffic_is_replaced_only_by_one_that_answers() -> None:
    """Empty, or none of it known to be healthy: refused, unless forced."""
    state = serving()
    assert refused(state, ReplacePool("shop", Color.BLUE, ())) is RefusalCode.POOL_EMPTY
    assert refused(state, ReplacePool("shop", Color.BLUE, (UpstreamWill(NEW, 0),))) is RefusalCode.POOL_EMPTY
    unknown = ReplacePool("shop", Color.BLUE, (UpstreamWill(NEW),))
    assert refused(state, unknown) is RefusalCode.COLOR_NOT_HEALTHY
    assert list(blue(after(state, replace(unknown, force=True)))) == [NEW]


def test_a_replaced_pool_keeps_what_is_known_and_takes_what_was_probed() -> None:
    """Those who stay keep their health, new ones come with what probing showed, those who go drain together."""
    wills = (UpstreamWill(BLUE_2, 4), UpstreamWill(NEW))
    reduction = reduce(serving(), ReplacePool("shop", Color.BLUE, wills, health={NEW: Health.HEALTHY}), CONTEXT)
    assert reduction.state.services["shop"].blue == (
        Upstream(BLUE_2, 4, health=Health.HEALTHY),
        Upstream(NEW, 1, health=Health.HEALTHY),
    )
    assert reduction.operation is not None
    assert reduction.operation.leaving == ((Color.BLUE, BLUE_1),)


def test_a_pool_without_traffic_may_be_anything() -> None:
    """The idle color is where one prepares: it may be empty or unknown."""
    assert after(serving(), ReplacePool("shop", Color.GREEN, ())).services["shop"].green == ()


def test_a_pool_of_a_service_without_checks_needs_no_health() -> None:
    """Where nothing is probed, new upstreams are taken to be healthy."""
    state = initial_state(DoorSpec(), (world.shop(health=None),))
    assert list(blue(after(state, ReplacePool("shop", Color.BLUE, (UpstreamWill(NEW),))))) == [NEW]


def test_draining_one_upstream_does_not_block_a_switch() -> None:
    """An operation that drains upstreams moves no traffic, so a switch goes through beside it."""
    state = after(serving(), change(admin=AdminState.DRAIN), Switch("shop", Color.GREEN))
    assert list(state.operations) == ["op-1", "op-2"]


def test_a_stale_revision_is_refused() -> None:
    """Pools too can be changed under the condition that nobody else did in between."""
    with pytest.raises(Refused) as caught:
        reduce(serving(), change(weight=3), Context(now=1.0, by="ada", expected_revision=4))
    assert caught.value.code is RefusalCode.REVISION_MISMATCH


def test_changes_name_what_came_what_went_and_what_became_different() -> None:
    """The journal tells each upstream's change by its path, and nothing of health."""
    before = (Upstream("a:1"), Upstream("b:1", 2))
    later = (Upstream("b:1", 3, AdminState.DRAIN, Health.HEALTHY), Upstream("c:1"))
    assert pool_changes(Color.GREEN, before, later) == (
        Change("pools.green.a:1", "weight 1, ready", None),
        Change("pools.green.b:1.weight", 2, 3),
        Change("pools.green.b:1.admin", "ready", "drain"),
        Change("pools.green.c:1", None, "weight 1, ready"),
    )
