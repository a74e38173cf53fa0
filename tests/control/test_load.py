from __future__ import annotations

import math
from pathlib import Path

import pytest

from proxy.control.load import Load, Loads
from proxy.control.load_series import MOST_POINTS, UNKNOWN, Figures, SeriesStore
from proxy.shm.histogram import observe
from proxy.shm.meters import Meters
from proxy.shm.names import BUCKETS, HISTOGRAM_CELLS, Series
from proxy.traffic.spec import Color
from tests.control.core import running_core, until


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


async def test_the_load_is_what_came_between_the_oldest_look_and_the_newest(tmp_path: Path) -> None:
    """A rate and the times that requests took; nothing is known before there are two looks."""
    async with running_core(tmp_path / "b.db") as core:
        hand = Hand()
        loads = Loads(core.crew, lambda: core.controller.state.services, hand)
        assert loads.of("shop", Color.BLUE) is None
        loads.look()
        assert loads.of("shop", Color.BLUE) is None
        worker = core.crew.workers[0]
        worker.count(40, Series.ADMITTED, "shop", "blue")
        meters = Meters.attach(worker.region.fd)
        observe(meters.cells, meters.block(HISTOGRAM_CELLS, Series.DURATION, "shop", "blue"), 0.045)
        hand.now += 2.0
        loads.look()
        load = loads.of("shop", Color.BLUE)
        assert load is not None
        assert (load.per_second, load.quantile(0.99)) == (20.0, 0.05)
        assert loads.of("shop", Color.GREEN) == Load(2.0, 0, ())
        assert loads.of("nobody", Color.BLUE) is None


async def test_what_is_long_ago_does_not_count(tmp_path: Path) -> None:
    """Half a minute is kept, and no more memory than that takes."""
    async with running_core(tmp_path / "b.db") as core:
        hand = Hand()
        loads = Loads(core.crew, lambda: core.controller.state.services, hand)
        loads.look()
        core.crew.workers[0].count(1000, Series.ADMITTED, "shop", "blue")
        for _ in range(20):
            hand.now += 2.0
            loads.look()
        load = loads.of("shop", Color.BLUE)
        assert load is not None
        assert (load.per_second, load.seconds) == (0.0, 30.0)


async def test_it_looks_by_itself(tmp_path: Path) -> None:
    """From its start until it is stopped."""
    async with running_core(tmp_path / "b.db") as core:
        looked: list[None] = []

        def services() -> tuple[str, ...]:
            looked.append(None)
            return ("shop",)

        loads = Loads(core.crew, services, Hand())
        loads.start()
        await until(lambda: bool(looked))
        await loads.stop()


@pytest.mark.parametrize(
    ("durations", "share", "seconds"),
    [
        ((), 0.99, None),
        ((0, 0, 0), 0.99, None),
        ((99, 1), 0.99, BUCKETS[0]),
        ((98, 2), 0.99, BUCKETS[1]),
        ((0,) * len(BUCKETS) + (1,), 0.5, BUCKETS[-1]),
    ],
)
def test_quantiles_are_bounds_of_buckets(durations: tuple[int, ...], share: float, seconds: float | None) -> None:
    """The smallest bound that so many are below; beyond all bounds it is the last one."""
    assert Load(1.0, 100, durations).quantile(share) == seconds


async def test_the_course_of_the_load_is_kept_look_by_look(tmp_path: Path) -> None:
    """Rates between two looks, times of the last few, and what was in flight; what is not known is not made up."""
    async with running_core(tmp_path / "b.db") as core:
        hand = Hand()
        loads = Loads(core.crew, lambda: core.controller.state.services, hand)
        worker = core.crew.workers[0]
        loads.look()
        worker.count(1, Series.ERRORS, "shop", "blue")
        worker.count(3, Series.IN_FLIGHT, "shop", "blue")
        meters = Meters.attach(worker.region.fd)
        durations = meters.block(HISTOGRAM_CELLS, Series.DURATION, "shop", "blue")
        for seconds in (0.045, 0.045, 0.9, 0.045):
            observe(meters.cells, durations, seconds)
        hand.now += 2.0
        loads.look()
        series = loads.series("shop")
        assert series.at == (100.0, 102.0)
        first, last = series.colors[Color.BLUE]
        assert math.isnan(first.requests)
        assert (last.requests, last.errors, last.in_flight) == (2.0, 0.5, 3.0)
        assert (last.p50, last.p99) == (0.05, 1.0)
        idle = series.latest(Color.GREEN)
        assert idle.requests == 0.0
        assert math.isnan(idle.p50)
        assert loads.series("shop", 1).at == (102.0,)
        assert loads.series("nobody").colors[Color.BLUE] == (UNKNOWN, UNKNOWN)


def test_the_series_keep_their_newest_points_alone() -> None:
    """A service that came late has unknown figures before; one that went is forgotten."""
    store, blue = SeriesStore(), ("shop", Color.BLUE)
    for number in range(3 * MOST_POINTS):
        late = {("late", Color.BLUE): Figures(1.0)} if number >= 3 * MOST_POINTS - 2 else {}
        store.note(float(number), {blue: Figures(float(number)), **late})
    shop = store.of("shop")
    assert len(shop.at) == MOST_POINTS
    assert [each.requests for each in shop.colors[Color.BLUE]] == list(shop.at)
    late_ones = store.of("late", 3).colors[Color.BLUE]
    assert math.isnan(late_ones[0].requests)
    assert [each.requests for each in late_ones[1:]] == [1.0, 1.0]
    store.note(0.0, {})
    assert store.of("shop", 1).latest(Color.BLUE) is UNKNOWN
