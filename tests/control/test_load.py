from __future__ import annotations

from pathlib import Path

import pytest

from proxy.control.load import Load, Loads
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
