from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.shm.memory import Memory
from proxy.shm.meters import SEEN, MeterRegion, Meters, MetersFull
from proxy.shm.names import GAUGES, HISTOGRAM_CELLS, Name, Series
from proxy.shm.region import BLOCK_LIMIT, FIRST_FREE
from proxy.shm.totals import MeterTotals
from tests.shm.processes import start

names = st.lists(st.text(max_size=20), min_size=1, max_size=5).map(tuple)


@pytest.fixture
def region() -> Iterator[MeterRegion]:
    """A region of the usual size."""
    region = MeterRegion.create()
    yield region
    region.close()


@pytest.fixture
def meters(region: MeterRegion) -> Meters:
    """The worker's side of the region."""
    return Meters.attach(region.fd)


def small(cells: int = 4096, directory: int = 64 * 1024) -> tuple[MeterRegion, Meters]:
    """A region that is soon full, and its worker's side."""
    region = MeterRegion.create(cells=FIRST_FREE + cells, directory=directory)
    return region, Meters.attach(region.fd)


def test_what_a_worker_counts_is_read(region: MeterRegion, meters: Meters) -> None:
    """A cell counted up by the worker has that value for the supervisor, under the same name."""
    cell = meters.cell(Series.REQUESTS, "default", "blue", "200")
    meters.cells[cell] += 1
    meters.cells[cell] += 1
    assert region.value("requests", "default", "blue", "200") == 2
    assert region.value(Series.REQUESTS, "default", "blue", "200") == 2


def test_names_keep_their_cells(meters: Meters) -> None:
    """The same name gives the same cell, another name another one."""
    assert meters.cell("a") == meters.cell("a")
    assert len({meters.cell("a"), meters.cell("b"), meters.cell("a", "b"), meters.cell("ab"), SEEN}) == 5


def test_an_unknown_name_counts_nothing(region: MeterRegion) -> None:
    """A series that the worker has not used yet is 0."""
    assert region.value("requests", "nobody") == 0


def test_the_seen_generation_is_read(region: MeterRegion, meters: Meters) -> None:
    """The generation that a worker last saw has a fixed cell, and is 0 before it saw any."""
    assert region.seen == 0
    meters.cells[SEEN] = 42
    assert region.seen == 42


def test_a_block_has_consecutive_cells(region: MeterRegion, meters: Meters) -> None:
    """A block is read as one series with all its values, and overlaps nothing."""
    before, block, after = meters.cell("before"), meters.block(3, "block"), meters.cell("after")
    for cell, value in ((before, 1), (block, 2), (block + 1, 3), (block + 2, 4), (after, 5)):
        meters.cells[cell] = value
    assert region.read() == {("overflow",): (0,), ("before",): (1,), ("block",): (2, 3, 4), ("after",): (5,)}


def test_a_name_has_one_size(meters: Meters) -> None:
    """A name asked for with another size than before is a mistake in the code, and refused."""
    meters.cell("a")
    with pytest.raises(ValueError, match="1 cells, not 2"):
        meters.block(2, "a")


@pytest.mark.parametrize("size", [0, -1, BLOCK_LIMIT + 1])
def test_blocks_have_a_limit(meters: Meters, size: int) -> None:
    """A block larger than the one that takes what does not fit is refused, full or not."""
    with pytest.raises(ValueError, match="1 to 64 cells"):
        meters.block(size, "a")


def test_a_gauge_cannot_fall_below_zero(region: MeterRegion, meters: Meters) -> None:
    """A lease closed twice is noticed at once, and the gauge stays right."""
    cell = meters.cell(Series.IN_FLIGHT, "default", "blue")
    with pytest.raises(ValueError, match="invalid value"):
        meters.cells[cell] -= 1
    assert region.value(Series.IN_FLIGHT, "default", "blue") == 0


@given(st.dictionaries(names, st.integers(0, 2**64 - 1), max_size=30))
def test_any_names_and_values_are_read_as_written(series: dict[tuple[str, ...], int]) -> None:
    """Whatever text names are made of, the supervisor reads exactly the series that the worker wrote."""
    region, meters = small()
    series.pop(("overflow",), None)
    for name, value in series.items():
        meters.cells[meters.cell(*name)] = value
    assert region.read() == {name: (value,) for name, value in series.items()} | {("overflow",): (0,)}
    region.close()


def test_new_series_appear_between_looks(region: MeterRegion, meters: Meters) -> None:
    """A directory that grows is read on from where the last look ended."""
    for number in range(5000):
        meters.cells[meters.cell("requests", str(number))] = number
        if number % 50 == 0:
            assert region.value("requests", str(number)) == number
    assert len(region.read()) == 5001


def test_a_second_attach_goes_on_counting(region: MeterRegion, meters: Meters) -> None:
    """Whoever attaches to a region with series in it finds them under their names and spoils none."""
    meters.cells[meters.block(4, "old")] = 1
    again = Meters.attach(region.fd)
    again.cells[again.block(4, "old")] += 1
    again.cells[again.cell("new")] = 7
    assert region.read() == {("overflow",): (0,), ("old",): (2, 0, 0, 0), ("new",): (7,)}


def test_an_entry_that_is_not_all_there_is_left_for_later(region: MeterRegion, meters: Meters) -> None:
    """Published but not yet visible in full, as ARM may show it: the reader waits, and takes it up when it is whole."""
    meters.cells[meters.cell("requests")] = 5
    meters.cells[meters.cell("rejected")] = 6
    area = Memory(region.fd, writable=True).bytes
    at = area.find(b"requests")
    area[at] = 0
    assert region.read() == {("overflow",): (0,)}
    assert region.value("rejected") == 0
    area[at] = ord("r")
    assert region.read() == {("overflow",): (0,), ("requests",): (5,), ("rejected",): (6,)}


@pytest.mark.parametrize(("cells", "directory"), [(100, 64 * 1024), (4096, 2048)])
def test_counters_overflow_and_gauges_do_not(cells: int, directory: int) -> None:
    """When cells or names run out, new counters share one cell that is reported, and gauges still get their own."""
    region, meters = small(cells, directory)
    counters = [("requests", str(number)) for number in range(500)]
    for name in counters:
        meters.cells[meters.cell(*name)] += 1
    gauges = {meters.cell(Series.IN_FLIGHT, str(number)) for number in range(3)}
    assert len(gauges) == 3
    assert gauges.isdisjoint(meters.cell(*name) for name in counters)
    kept = sum(region.value(*name) for name in counters)
    assert 0 < kept < 500
    assert region.value("overflow") == 500 - kept
    region.close()


def test_gauges_are_refused_when_even_their_reserve_is_used_up() -> None:
    """A gauge without a cell is an error that names it, for a drain must not rest on a shared cell."""
    region, meters = small(cells=8)
    for number in range(8):
        meters.cell(Series.IN_FLIGHT, str(number))
    with pytest.raises(MetersFull, match="in_flight"):
        meters.cell(Series.IN_FLIGHT, "one more")
    assert region.value("overflow") == 0
    region.close()


def test_a_histogram_that_does_not_fit_spoils_nothing() -> None:
    """A block without room is written to cells that nobody reads, and the overflow tells that it is missing."""
    region, meters = small(cells=HISTOGRAM_CELLS)
    meters.cells[meters.cell("connections")] = 9
    first = meters.block(HISTOGRAM_CELLS, "duration")
    for offset in range(HISTOGRAM_CELLS):
        meters.cells[first + offset] += 1000
    assert region.read() == {("overflow",): (1,), ("connections",): (9,)}
    region.close()


def test_other_memory_is_no_region(region: MeterRegion) -> None:
    """A descriptor that holds something else is refused at once."""
    memory = Memory.create("other", 4096)
    with pytest.raises(ValueError, match="no meters"):
        Meters.attach(memory.fd)
    memory.close()


def test_untouched_cells_cost_nothing() -> None:
    """A region has room for half a million cells, and takes a few pages until they are used."""
    region = MeterRegion.create()
    meters = Meters.attach(region.fd)
    meters.cells[meters.cell("a")] += 1
    assert region.read()
    assert os.fstat(region.fd).st_size >= 16 * 1024 * 1024
    assert os.fstat(region.fd).st_blocks * 512 <= 16 * 1024
    region.close()


class Looked(list[Name]):
    """Names of counters, read while the worker ends a request just before and just after: 1000 are in flight."""

    def __init__(self, names: list[Name], meters: Meters, ends: int) -> None:
        super().__init__(names)
        self.meters = meters
        self.ends = ends
        meters.cells[meters.cell(Series.IN_FLIGHT)] = 1000

    def __iter__(self) -> Iterator[Name]:
        self.end_one()
        yield from super().__iter__()
        self.end_one()

    def end_one(self) -> None:
        if self.ends:
            self.ends -= 1
            self.meters.cells[self.meters.cell("ended")] += 1
            self.meters.cells[self.meters.cell(Series.IN_FLIGHT)] -= 1


@pytest.mark.parametrize("ends", [0, 1, 2, 3, 7])
def test_gauge_and_counters_belong_together(region: MeterRegion, meters: Meters, ends: int) -> None:
    """Requests in flight and requests ended add up, though the worker goes on while they are read."""
    counters = Looked([("ended",), ("failed",)], meters, ends)
    in_flight, (ended, failed) = region.settled((Series.IN_FLIGHT,), counters)
    assert (in_flight + ended, failed, counters.ends) == (1000, 0, 0)


def test_a_worker_that_never_rests_is_not_waited_for(region: MeterRegion, meters: Meters) -> None:
    """After a hundred looks the last one counts, even if something moved again."""
    in_flight, (ended,) = region.settled((Series.IN_FLIGHT,), Looked([("ended",)], meters, 1000))
    assert (in_flight, ended) == (798, 201)


def test_a_worker_process_is_read_while_it_counts(region: MeterRegion) -> None:
    """Beside a process that counts, values only grow and are never ahead of what it did; in the end they are exact."""
    requests = 50_000
    seen = total = 0
    with start("count", region.fd, requests) as worker:
        while seen < requests:
            values = region.read()
            counted = sum(series[0] for name, series in values.items() if name[0] == "requests")
            assert total <= counted <= region.seen + 1
            assert region.seen >= seen
            assert values.keys() <= {("overflow",), ("in_flight", "default", "blue")} | {
                ("requests", "default", str(number)) for number in range(requests // 100)
            }
            seen, total = region.seen, counted
        worker.communicate(timeout=60)
    assert worker.returncode == 0
    values = region.read()
    assert {values["requests", "default", str(number)] for number in range(500)} == {(100,)}


def test_a_killed_worker_keeps_its_counters_and_loses_its_gauges(region: MeterRegion) -> None:
    """What a worker counted outlives its SIGKILL; what it had in flight falls with it."""
    totals = MeterTotals()
    totals.add(region)
    with start("count", region.fd, 250) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "done\n"
        assert totals.total(Series.IN_FLIGHT, "default", "blue") == 3
        os.kill(worker.pid, signal.SIGKILL)
    totals.retire(region)
    assert totals.total(Series.IN_FLIGHT, "default", "blue") == 0
    assert [totals.total("requests", "default", str(number)) for number in range(3)] == [100, 100, 50]
    assert not any(name[0] in GAUGES for name in totals.read())


def test_a_field_without_room_is_not_there() -> None:
    """It may be larger than a block, keeps its place, and where it does not fit nothing is written in its stead."""
    region, meters = small(cells=1024)
    first = meters.field(500, Series.SETTLED, "default")
    assert first is not None
    meters.cells[first + 499] = 7
    assert meters.field(500, Series.SETTLED, "default") == first
    assert meters.field(500, Series.SETTLED, "other") is None
    assert region.values(Series.SETTLED, "default") == (*[0] * 499, 7)
    assert region.values(Series.SETTLED, "other") == ()
    region.close()
