from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from proxy.traffic.commands import ChangeUpstream, Command, ObserveHealth, Switch
from proxy.traffic.model import Cohort, Health, State
from proxy.traffic.pools import with_pool
from proxy.traffic.spec import Color
from proxy.traffic.table import ComparedUpstream, TableCompiler, compile_table
from proxy.traffic.table_codec import TableDecoder, TableEncoder, decode_table, encode_table
from tests.traffic import states as world
from tests.traffic.states import after, serving


class Road:
    """From states to what a worker has of them, with all that is reused on the way."""

    def __init__(self) -> None:
        self.compiler, self.encoder, self.decoder = TableCompiler(), TableEncoder(), TableDecoder()

    def bytes_of(self, state: State) -> bytes:
        """What is on the board."""
        return self.encoder.encode(self.compiler.compile(state))


@given(state=world.states())
def test_a_table_survives_the_board(state: State) -> None:
    """What a worker decodes is what was encoded, to the last field."""
    table = compile_table(state)
    assert decode_table(encode_table(table)) == table


@given(start=world.starts, history=world.histories)
def test_what_is_reused_changes_nothing(start: State, history: list[Command]) -> None:
    """Along any history, each table is as if it were the first, on the board and in a worker that sees it or not."""
    road = Road()
    steps = [start, *(reduction.state for _, _, reduction in world.run(start, history) if reduction)]
    for number, state in enumerate(steps):
        table, data = compile_table(state), road.bytes_of(state)
        assert data == encode_table(table)
        if number % 3 != 1:
            assert road.decoder.decode(data) == table


def test_a_switch_leaves_the_pools_as_they_are() -> None:
    """They are the same objects in the supervisor and in a worker: nobody has looked at them again."""
    road, state = Road(), serving()
    first, seen = road.compiler.compile(state).services[0], road.decoder.decode(road.bytes_of(state)).services[0]
    state = after(state, Switch("shop", Color.GREEN))
    second, then = road.compiler.compile(state).services[0], road.decoder.decode(road.bytes_of(state)).services[0]
    assert then.split == second.split == 10_000
    assert second.blue is first.blue
    assert second.green is first.green
    assert then.blue is seen.blue
    assert then.green is seen.green


def test_a_change_of_one_pool_leaves_the_other_as_it_is() -> None:
    """What costs is what has changed."""
    road, state = Road(), serving()
    seen = road.decoder.decode(road.bytes_of(state)).services[0]
    state = after(state, ChangeUpstream("shop", Color.BLUE, "10.0.0.1:80", weight=7))
    then = road.decoder.decode(road.bytes_of(state)).services[0]
    assert then.blue[0].weight == 7
    assert then.green is seen.green


def test_who_is_fit_is_asked_anew_when_checks_come_or_go() -> None:
    """An unhealthy upstream is out while there are checks, and in without them, though the pool is the same object."""
    road = Road()
    checked = after(serving(), ObserveHealth("shop", Color.BLUE, "10.0.0.1:80", Health.UNHEALTHY))
    shop = checked.services["shop"]
    trusted = replace(checked, services={"shop": replace(shop, spec=replace(shop.spec, health=None))})
    offered = [len(decode_table(road.bytes_of(state)).services[0].blue) for state in (checked, trusted, checked)]
    assert offered == [1, 2, 1]


def test_servers_that_are_compared_say_on_which_side() -> None:
    """Those of a pool that is rolled, and only while it is: other lines of the table are what they always were."""
    road, state = Road(), serving()
    plain = road.bytes_of(state)
    shop = state.services["shop"]
    old, updated = (
        replace(upstream, cohort=cohort)
        for upstream, cohort in zip(shop.blue, (Cohort.OLD, Cohort.UPDATED), strict=True)
    )
    compared = replace(state, services={"shop": with_pool(shop, Color.BLUE, (old, updated))})
    data = road.bytes_of(compared)
    assert data.split(b"\n")[3] == b'[["10.0.0.1:80",1,"old"],["10.0.0.2:80",2,"updated"]]'
    assert plain.split(b"\n")[3] == b'[["10.0.0.1:80",1],["10.0.0.2:80",2]]'
    assert data.replace(b',"old"', b"").replace(b',"updated"', b"") == plain
    blue = (
        ComparedUpstream("10.0.0.1:80", 1, Cohort.OLD),
        ComparedUpstream("10.0.0.2:80", 2, Cohort.UPDATED),
    )
    assert road.decoder.decode(data).services[0].blue == blue
    assert road.decoder.decode(road.bytes_of(state)) == compile_table(state)


def test_a_service_that_nobody_touches_is_the_same_object() -> None:
    """A table that differs in its generation alone costs a worker nothing but the comparison."""
    road, state = Road(), serving()
    seen = road.decoder.decode(road.bytes_of(state))
    then = road.decoder.decode(road.bytes_of(replace(state, generation=state.generation + 1)))
    assert then.generation > seen.generation
    assert then.door is seen.door
    assert then.services[0] is seen.services[0]
