"""Leases and routing: one step counts a request in, its end counts it out once, and a new table keeps what it can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from proxy.dataplane.admission import admit
from proxy.dataplane.routing import LiveService, Routing
from proxy.shm.board import Board, BoardEmpty, BoardView
from proxy.shm.meters import MeterRegion, Meters
from proxy.shm.names import Outcome, Series
from proxy.traffic.spec import Color, DoorSpec
from proxy.traffic.table import RoutingTable, TableService, TableUpstream
from proxy.traffic.table_codec import encode_table
from tests.dataplane.conftest import BLUE, SERVICE

A, B, C = (TableUpstream(f"127.0.0.1:{port}", 1) for port in (1, 2, 3))


class Tables:
    """A board, meters, and the routing that reads them."""

    def __init__(self) -> None:
        self.board = Board.create(65536)
        self.region = MeterRegion.create(cells=4096, directory=65536)
        self.generation = 0

    def publish(self, *services: TableService) -> None:
        """The next table."""
        self.generation += 1
        self.board.publish(self.generation, encode_table(RoutingTable(self.generation, DoorSpec(), services)))

    def routing(self) -> Routing:
        """A worker's."""
        return Routing(BoardView.attach(self.board.fd), Meters.attach(self.region.fd), 0)


@pytest.fixture
def tables() -> Iterator[Tables]:
    """Two upstreams on blue."""
    tables = Tables()
    tables.publish(replace(SERVICE, blue=(A, B)))
    yield tables
    tables.board.close()
    tables.region.close()


def service_of(routing: Routing) -> LiveService:
    """The only service."""
    service = routing.router.match(b"a", b"/")
    assert service is not None
    return service


def balance(tables: Tables) -> int:
    """Admitted less ended, and in flight, which must be the same."""
    value = tables.region.value
    ended = sum(value(Series.ENDED, *BLUE, outcome) for outcome in Outcome)
    in_flight = value(Series.IN_FLIGHT, *BLUE) + value(Series.TUNNELS, *BLUE)
    assert value(Series.ADMITTED, *BLUE) - ended == in_flight
    return in_flight


def test_a_lease_is_counted_in_and_out_once(tables: Tables) -> None:
    """The second close does nothing."""
    routing = tables.routing()
    lease = admit(service_of(routing), routing.generation)
    assert lease is not None
    assert balance(tables) == lease.upstream.in_flight == 1
    assert lease.close(Outcome.FINISHED)
    assert not lease.close(Outcome.FAILED)
    assert balance(tables) == lease.upstream.in_flight == 0
    assert tables.region.value(Series.ENDED, *BLUE, Outcome.FAILED) == 0


def test_a_lease_that_moves_or_lasts_stays_counted(tables: Tables) -> None:
    """One request, wherever it goes and whatever becomes of it."""
    routing = tables.routing()
    lease = admit(service_of(routing), routing.generation)
    assert lease is not None
    first = lease.upstream
    lease.move(next(upstream for upstream in routing.upstreams() if upstream is not first))
    assert (first.in_flight, lease.upstream.in_flight, balance(tables)) == (0, 1, 1)
    lease.lengthen()
    lease.lengthen()
    assert tables.region.value(Series.TUNNELS, *BLUE) == balance(tables) == 1
    on_upstream = (Series.UPSTREAM_TUNNELS, *BLUE, lease.upstream.address)
    assert tables.region.value(*on_upstream) == 1
    lease.close(Outcome.CUT_BY_PROXY)
    assert balance(tables) == lease.upstream.in_flight == tables.region.value(*on_upstream) == 0


def test_a_color_without_upstreams_admits_nobody(tables: Tables) -> None:
    """And counts nobody."""
    tables.publish(replace(SERVICE, blue=(A,), split=10_000))
    routing = tables.routing()
    assert admit(service_of(routing), routing.generation) is None
    assert tables.region.value(Series.ADMITTED, "default", "green") == 0


def test_nothing_is_served_before_there_is_a_table() -> None:
    """A worker without a table is not ready."""
    tables = Tables()
    with pytest.raises(BoardEmpty):
        tables.routing()
    tables.board.close()
    tables.region.close()


def test_a_new_table_keeps_what_both_name(tables: Tables) -> None:
    """Counts, streaks and idle connections of an upstream outlive a table; the seen generation follows at once."""
    routing = tables.routing()
    before = {upstream.address: upstream for upstream in routing.upstreams()}
    tables.publish(replace(SERVICE, blue=(B, C)))
    routing.refresh()
    after = {upstream.address: upstream for upstream in routing.upstreams()}
    assert tables.region.seen == routing.generation == 2
    assert set(after) == {B.address, C.address}
    assert after[B.address] is before[B.address]


def test_a_service_that_goes_takes_its_upstreams_with_it(tables: Tables) -> None:
    """Nothing of it is left to sweep or to route to."""
    routing = tables.routing()
    tables.publish(replace(SERVICE, name="other", hosts=("b",), blue=(A,)))
    routing.refresh()
    assert routing.router.match(b"a", b"/") is None
    assert len(list(routing.upstreams())) == 1


def test_a_lease_outlives_its_upstream(tables: Tables) -> None:
    """A request on an upstream that was removed is counted out where it was counted in."""
    routing = tables.routing()
    lease = admit(service_of(routing), routing.generation)
    assert lease is not None
    tables.publish(replace(SERVICE, blue=(C,)))
    routing.refresh()
    assert tables.region.value(Series.UPSTREAM_IN_FLIGHT, *BLUE, lease.upstream.address) == 1
    lease.close(Outcome.FINISHED)
    assert tables.region.value(Series.UPSTREAM_IN_FLIGHT, *BLUE, lease.upstream.address) == balance(tables) == 0
    assert lease.pool.color is Color.BLUE


def test_a_table_with_another_split_leaves_everything_else_alone(tables: Tables) -> None:
    """A switch costs a worker no look at the upstreams, and their circle goes on where it was."""
    routing = tables.routing()
    service, router, trusted = service_of(routing), routing.router, routing.trusted
    picker = service.pools[Color.BLUE].picker
    tables.publish(replace(SERVICE, blue=(A, B), split=2_500))
    routing.refresh()
    assert service_of(routing).spec.split == 2_500
    assert (routing.router, routing.trusted) == (router, trusted)
    assert service_of(routing).pools[Color.BLUE].picker is picker


def test_services_come_move_and_go(tables: Tables) -> None:
    """Every table says anew which hosts there are, in whatever order, and where their requests go."""
    routing = tables.routing()
    shop, blog = replace(SERVICE, name="shop", hosts=("shop",), blue=(A,)), replace(SERVICE, hosts=("blog",), blue=(B,))
    moved = replace(shop, hosts=("store",), blue=(C,))
    for services in ((shop,), (blog, shop), (shop, blog), (moved, blog), (blog,)):
        tables.publish(*services)
        routing.refresh()
        for host in ("shop", "blog", "store"):
            found = routing.router.match(host.encode(), b"/")
            wanted = next((each for each in services if host in each.hosts), None)
            assert (found.spec if found else None) == wanted
            if found is not None and wanted is not None:
                assert list(found.pools[Color.BLUE].upstreams) == [entry.address for entry in wanted.blue]
