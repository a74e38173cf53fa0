from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from proxy.traffic.commands import AddUpstream, ChangeUpstream, Configure, SetSplit, Switch, UpstreamWill
from proxy.traffic.configure import initial_state
from proxy.traffic.model import FULL_SPLIT, Health, OperationState, State, Upstream
from proxy.traffic.reducer import reduce
from proxy.traffic.reduction import Change
from proxy.traffic.spec import AdminState, Balance, Color, DoorSpec, Limits, ServiceSpec, UpstreamSpec
from tests.traffic import states as world
from tests.traffic.states import CONTEXT, after, serving

SHOP = world.shop()
STRICT = DoorSpec(limits=Limits(max_headers=7))


def configure(*services: ServiceSpec, door: DoorSpec = DoorSpec()) -> Configure:  # noqa: B008 - frozen
    """A newly read file."""
    return Configure(door, services)


@given(state=world.states(), door=world.doors, services=world.configs())
def test_a_file_is_taken_over_whole(state: State, door: DoorSpec, services: tuple[ServiceSpec, ...]) -> None:
    """A config is never refused; afterwards exactly its services are there, by its rules, with their splits kept."""
    result = reduce(state, Configure(door, services), CONTEXT).state
    assert result.door == door
    assert [service.spec for service in result.services.values()] == list(services)
    for name in state.services.keys() & result.services.keys():
        assert result.services[name].split == state.services[name].split


@given(state=world.states(), door=world.doors, services=world.configs())
def test_the_same_file_again_changes_nothing(state: State, door: DoorSpec, services: tuple[ServiceSpec, ...]) -> None:
    """A reload without a change gives the very same state."""
    once = reduce(state, Configure(door, services), CONTEXT).state
    assert reduce(once, Configure(door, services), CONTEXT).state is once


def test_a_new_service_starts_with_its_initial_color() -> None:
    """`initial` is for services of which nothing is known."""
    state = initial_state(DoorSpec(), (replace(SHOP, initial=Color.GREEN), replace(SHOP, name="blog")))
    assert [service.split for service in state.services.values()] == [FULL_SPLIT, 0]
    assert state.generation == 1


def test_initial_is_not_asked_again() -> None:
    """A reload with another `initial` moves nothing."""
    assert after(serving(), configure(replace(SHOP, initial=Color.GREEN))).services["shop"].split == 0


def test_rules_from_the_file_are_served_and_told() -> None:
    """Other rules make a new revision and a change in the journal."""
    reduction = reduce(serving(), configure(replace(SHOP, balance=Balance.LEAST_REQUESTS)), CONTEXT)
    service = reduction.state.services["shop"]
    assert (service.spec.balance, service.revision) == (Balance.LEAST_REQUESTS, 2)
    assert reduction.changes == (Change("services.shop", "rules as before", "rules from the reloaded file"),)


def test_rules_of_the_door_leave_services_alone() -> None:
    """Limits of the whole door make a new generation, and no service's revision."""
    reduction = reduce(serving(), configure(SHOP, door=STRICT), CONTEXT)
    assert reduction.state.generation == 2
    assert reduction.state.services["shop"].revision == 1
    assert reduction.durable


def test_a_pool_changed_by_an_operator_stays_until_the_file_says_otherwise() -> None:
    """Whoever spoke last is right: a reload that gives the same list does not undo what was done since."""
    state = after(serving(), AddUpstream("shop", Color.BLUE, UpstreamWill("10.0.0.9:80")))
    kept = after(state, configure(replace(SHOP, balance=Balance.LEAST_REQUESTS)))
    assert len(kept.services["shop"].blue) == 3
    other = after(state, configure(replace(SHOP, blue=(UpstreamSpec("10.0.0.1:80", 5),))))
    assert other.services["shop"].blue == (Upstream("10.0.0.1:80", 5, health=Health.HEALTHY),)


def test_upstreams_that_the_file_keeps_keep_their_health_and_admin_state() -> None:
    """A new list is merged by address: who stays is not unknown again, nor taken out of drain."""
    state = after(serving(), ChangeUpstream("shop", Color.BLUE, "10.0.0.1:80", admin=AdminState.DRAIN))
    spec = replace(SHOP, blue=(UpstreamSpec("10.0.0.1:80"), UpstreamSpec("10.0.0.9:80")))
    assert after(state, configure(spec)).services["shop"].blue == (
        Upstream("10.0.0.1:80", 1, AdminState.DRAIN, Health.HEALTHY),
        Upstream("10.0.0.9:80"),
    )


def test_a_file_that_brings_an_upstream_back_ends_its_drain() -> None:
    """An upstream whose weight the file raises from 0 is no longer drained."""
    state = after(serving(), ChangeUpstream("shop", Color.BLUE, "10.0.0.1:80", weight=0))
    reduction = reduce(state, configure(replace(SHOP, blue=(UpstreamSpec("10.0.0.1:80", 5),))), CONTEXT)
    assert [(o.id, o.state) for o in reduction.ended] == [("op-1", OperationState.ABORTED)]


def test_services_come_and_go() -> None:
    """The journal tells of services that are new and of those that are gone, and only of these."""
    blog = replace(SHOP, name="blog")
    assert reduce(serving(), configure(SHOP, blog), CONTEXT).changes == (Change("services.blog", False, True),)
    assert reduce(serving(), configure(blog), CONTEXT).changes == (
        Change("services.shop", True, False),
        Change("services.blog", False, True),
    )


def test_pool_changes_of_a_reload_are_told_by_service() -> None:
    """The path says whose pool it is."""
    spec = replace(SHOP, green=(UpstreamSpec("10.0.1.1:80", 3), UpstreamSpec("10.0.1.2:80")))
    assert reduce(serving(), configure(spec), CONTEXT).changes == (
        Change("services.shop.pools.green.10.0.1.1:80.weight", 1, 3),
    )


def test_operations_go_on_over_a_reload() -> None:
    """A reload in the middle of a switch neither ends nor blocks it."""
    state = after(serving(), Switch("shop", Color.GREEN), configure(replace(SHOP, balance=Balance.LEAST_REQUESTS)))
    assert list(state.operations) == ["op-1"]
    assert state.services["shop"].split == FULL_SPLIT


def test_the_way_back_survives_a_reload() -> None:
    """What a rollback returns to is the operators', not the file's."""
    state = after(serving(), SetSplit("shop", 4_000), configure(replace(SHOP, balance=Balance.LEAST_REQUESTS)))
    assert state.services["shop"].previous_split == 0
