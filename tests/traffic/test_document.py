from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from proxy.traffic.commands import AddUpstream, ChangeUpstream, Command, Configure, SetSplit, Switch, UpstreamWill
from proxy.traffic.configure import initial_state
from proxy.traffic.document import INTERRUPTED, StateDumper, dump_state, interrupted, outlives, restore_state
from proxy.traffic.model import Health, OperationState, Phase, Pool, Service, State, Upstream
from proxy.traffic.spec import AdminState, Color, DoorSpec, ServiceSpec, UpstreamSpec
from tests.traffic import states as world
from tests.traffic.states import after, serving

SHOP = world.shop()


def restart(state: State) -> State:
    """The state as a program finds it that starts again with the same config file."""
    document = json.loads(json.dumps(dump_state(state)))
    return restore_state(document, state.door, [service.spec for service in state.services.values()])


def forgotten(pool: Pool) -> Pool:
    """A pool of which nothing was observed yet."""
    return tuple(replace(upstream, health=Health.UNKNOWN, ejected=False) for upstream in pool)


def will(service: Service) -> Service:
    """A service with nothing but what operators want of it."""
    return replace(service, blue=forgotten(service.blue), green=forgotten(service.green))


@given(state=world.states())
def test_the_will_survives_a_restart(state: State) -> None:
    """With the same file every service comes back as it was, revision and way back too; only observations are gone."""
    assert restart(state).services == {name: will(service) for name, service in state.services.items()}


@given(start=world.starts, history=world.histories)
def test_what_is_reused_changes_nothing(start: State, history: list[Command]) -> None:
    """Along any history, each document is as if it were the first."""
    dumper = StateDumper()
    for state in (start, *(reduction.state for _, _, reduction in world.run(start, history) if reduction)):
        assert dumper.dump(state) == dump_state(state)


def test_a_switch_goes_through_no_pool() -> None:
    """However many upstreams there are, only what has changed is dumped."""
    dumper, state = StateDumper(), serving()
    first, then = (dumper.dump(each)["services"]["shop"] for each in (state, after(state, SetSplit("shop", 100))))
    assert then["split"] == 100
    assert all(then[kind][color] is first[kind][color] for kind in ("pools", "configured") for color in Color)


def test_what_happens_to_one_service_goes_through_no_other() -> None:
    """However many there are: a shift is written down many times a second."""
    dumper, state = StateDumper(), initial_state(DoorSpec(), (SHOP, replace(SHOP, name="blog")))
    first, then = (dumper.dump(each)["services"] for each in (state, after(state, SetSplit("shop", 100, force=True))))
    assert then["shop"]["split"] == 100
    assert then["blog"] is first["blog"]


@given(state=world.states())
def test_generations_and_operation_ids_go_on(state: State) -> None:
    """After a restart the table is a new one, and no operation gets the id of an earlier one; none is running."""
    restored = restart(state)
    assert restored.generation == state.generation + 1
    assert restored.next_operation == state.next_operation
    assert all(outlives(operation) for operation in restored.operations.values())


@given(state=world.states(), services=world.configs())
def test_another_file_is_met_as_by_a_reload(state: State, services: tuple[ServiceSpec, ...]) -> None:
    """Whether the file changes before a restart or before a reload: the services come out the same."""
    restored = restore_state(dump_state(state), state.door, services)
    reloaded = after(state, Configure(state.door, services))
    assert {name: replace(service, revision=0) for name, service in restored.services.items()} == {
        name: replace(will(service), revision=0) for name, service in reloaded.services.items()
    }


def test_the_stored_split_wins_over_initial() -> None:
    """A switched service stays switched, whatever the file calls initial."""
    state = after(serving(), Switch("shop", Color.GREEN))
    restored = restore_state(dump_state(state), DoorSpec(), [replace(SHOP, initial=Color.BLUE)])
    assert restored.services["shop"].live is Color.GREEN


def test_a_service_of_which_nothing_is_stored_starts_as_the_file_says() -> None:
    """New in the file: its initial color."""
    restored = restore_state(dump_state(serving()), DoorSpec(), [replace(SHOP, name="blog", initial=Color.GREEN)])
    assert restored.services["blog"].live is Color.GREEN


def test_pools_changed_by_operators_survive_and_yield_to_a_new_list() -> None:
    """An upstream added over the admin API is there after a restart, until the file gives that color another list."""
    state = after(
        serving(),
        AddUpstream("shop", Color.BLUE, UpstreamWill("10.0.0.9:80")),
        ChangeUpstream("shop", Color.BLUE, "10.0.0.1:80", admin=AdminState.DRAIN),
    )
    assert [u.admin for u in restart(state).services["shop"].blue] == [
        AdminState.DRAIN,
        AdminState.READY,
        AdminState.READY,
    ]
    other = replace(SHOP, blue=(UpstreamSpec("10.0.0.7:80"),))
    restored = restore_state(dump_state(state), DoorSpec(), [other]).services["shop"]
    assert restored.blue == (Upstream("10.0.0.7:80"),)
    assert restored.revision == state.services["shop"].revision + 1


@pytest.mark.parametrize("missing", ["generation", "next_operation", "services"])
def test_an_incomplete_document_is_an_error(missing: str) -> None:
    """What was not written by this program is not guessed at."""
    document = dump_state(serving())
    del document[missing]
    with pytest.raises(KeyError):
        restore_state(document, DoorSpec(), [SHOP])


def test_an_interrupted_operation_has_failed_and_says_why() -> None:
    """What it counted is not claimed."""
    running = after(serving(), SetSplit("shop", 500)).operations["op-1"]
    over = interrupted(running, now=9.0)
    assert (over.state, over.phase, over.ended_at) == (OperationState.FAILED, Phase.ENDED, 9.0)
    assert (over.receipt, over.note) == (None, INTERRUPTED)
