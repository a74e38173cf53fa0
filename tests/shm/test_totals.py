from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxy.shm.meters import MeterRegion, Meters
from proxy.shm.names import Name, Series
from proxy.shm.totals import MeterTotals

counters: list[Name] = [(Series.REQUESTS, "default", "blue"), (Series.CONNECTIONS,), (Series.ENDED, "default", "blue")]
gauges: list[Name] = [(Series.IN_FLIGHT, "default", "blue"), (Series.OPEN_CONNECTIONS,)]


class Worker:
    """A region with its writer, and what it should hold."""

    def __init__(self) -> None:
        self.region = MeterRegion.create(cells=1024, directory=4096)
        self.meters = Meters.attach(self.region.fd)
        self.counted: Counter[Name] = Counter()
        self.standing: Counter[Name] = Counter()


class Totals(RuleBasedStateMachine):
    """Workers come, count and go; the totals are held to plain sums."""

    def __init__(self) -> None:
        super().__init__()
        self.totals = MeterTotals()
        self.workers: list[Worker] = []
        self.counted: Counter[Name] = Counter()

    def teardown(self) -> None:
        for worker in self.workers:
            worker.region.close()

    @rule()
    def add(self) -> None:
        self.workers.append(Worker())
        self.totals.add(self.workers[-1].region)

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), name=st.sampled_from(counters), more=st.integers(1, 2**40))
    def count(self, data: st.DataObject, name: Name, more: int) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        worker.meters.cells[worker.meters.cell(*name)] += more
        self.counted[name] += more

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), name=st.sampled_from(gauges), value=st.integers(0, 1000))
    def stand(self, data: st.DataObject, name: Name, value: int) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        worker.meters.cells[worker.meters.cell(*name)] = value
        worker.standing[name] = value

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def retire(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        self.workers.remove(worker)
        self.totals.retire(worker.region)

    @invariant()
    def totals_equal_sums(self) -> None:
        """Counters are sums over all workers that ever were, gauges over those that live."""
        assert self.totals.regions == tuple(worker.region for worker in self.workers)
        read = self.totals.read()
        for name in counters:
            assert self.counted[name] == self.totals.total(*name) == read.get(name, (0,))[0]
        for name in gauges:
            standing = sum(worker.standing[name] for worker in self.workers)
            assert standing == self.totals.total(*name) == read.get(name, (0,))[0]


TestTotals = Totals.TestCase


def test_blocks_are_summed_element_by_element() -> None:
    """A histogram over several workers, one of them gone, has the sum of each cell."""
    totals = MeterTotals()
    for values in ((1, 2, 3), (10, 20, 30), (100, 200, 300)):
        region = MeterRegion.create()
        meters = Meters.attach(region.fd)
        first = meters.block(3, Series.DURATION, "default", "blue")
        for offset, value in enumerate(values):
            meters.cells[first + offset] = value
        totals.add(region)
    totals.retire(totals.regions[1])
    assert totals.read()[Series.DURATION, "default", "blue"] == (111, 222, 333)
    for region in totals.regions:
        region.close()


def test_only_a_living_region_can_be_retired() -> None:
    """A region retired twice is a mistake, and counts once."""
    totals = MeterTotals()
    region = MeterRegion.create()
    meters = Meters.attach(region.fd)
    meters.cells[meters.cell("connections")] = 4
    totals.add(region)
    totals.retire(region)
    with pytest.raises(ValueError, match="not in list"):
        totals.retire(region)
    assert totals.total("connections") == 4


def test_of_moments_the_latest_counts() -> None:
    """When somebody was seen last by several workers, one of them gone, is no sum."""
    totals = MeterTotals()
    for values in ((1, 20), (10, 2), (3, 3)):
        region = MeterRegion.create()
        meters = Meters.attach(region.fd)
        first = meters.field(2, Series.SETTLED, "default")
        assert first is not None
        meters.cells[first], meters.cells[first + 1] = values
        totals.add(region)
    totals.retire(totals.regions[0])
    assert totals.read()[Series.SETTLED, "default"] == totals.values(Series.SETTLED, "default") == (10, 20)
    assert totals.values(Series.SETTLED, "other") == ()
    for region in totals.regions:
        region.close()


def test_what_dies_with_a_worker_is_counted_as_dropped() -> None:
    """Requests and tunnels that a dead worker had in flight do not vanish from the books."""
    totals = MeterTotals()
    for _ in range(2):
        region = MeterRegion.create()
        meters = Meters.attach(region.fd)
        meters.cells[meters.cell(Series.IN_FLIGHT, "default", "blue")] = 3
        meters.cells[meters.cell(Series.TUNNELS, "default", "blue")] = 2
        meters.cells[meters.cell(Series.IN_FLIGHT, "default", "green")] = 0
        totals.add(region)
    totals.retire(totals.regions[0])
    dropped = {name: values for name, values in totals.read().items() if name[0] == Series.DROPPED}
    assert dropped == {(Series.DROPPED, "default", "blue", "worker_died"): (5,)}
    totals.regions[0].close()
