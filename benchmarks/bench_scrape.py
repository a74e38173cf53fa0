"""What a scrape costs the supervisor, against the number of upstreams.

There is the look that its event loop has to wait for, and the text that a thread makes of it.

Run: python benchmarks/bench_scrape.py
"""

from __future__ import annotations

import asyncio
import gzip
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from proxy.control.metrics.presence import Presence
from proxy.control.metrics.processes import ProcessTimes
from proxy.control.metrics.rendering import text_of
from proxy.control.metrics.sources import Sources
from proxy.control.worker import WorkerPhase
from proxy.dataplane.accounting import ColorMeters, UpstreamMeters
from proxy.shm.meters import MeterRegion, Meters
from proxy.shm.totals import MeterTotals
from proxy.traffic.model import Service, State, Upstream
from proxy.traffic.spec import Color, ServiceSpec

ROUNDS = 15
WORKERS = 2
SIZES = (2, 100, 1_000, 5_000)


class Stub:
    """Stands for all parts of the control plane: they only lend what is read of them."""

    def __init__(self, upstreams: int) -> None:
        pools = {
            color: tuple(Upstream(f"10.{color.value[0]}.{n}:80") for n in range(upstreams // 2)) for color in Color
        }
        service = Service(ServiceSpec("shop", (), ()), pools[Color.BLUE], pools[Color.GREEN], split=5000)
        self.state = State(services={"shop": service})
        self.totals = MeterTotals()
        for _ in range(WORKERS):
            self.totals.add(_region(service))
        self.checks = {("shop", color.value, each.address, "ok"): 7 for color in Color for each in service.pool(color)}
        self.ended: dict[Any, int] = {}
        self.results: dict[bool, int] = {}
        self.exported, self.lost = 0, dict[str, int]()
        self.pids = ()
        self.restarts, self.last_success, self.store_up = 0, 0.0, True

    def phases(self) -> dict[WorkerPhase, int]:
        return dict.fromkeys(WorkerPhase, 0)

    def monotonic(self) -> float:
        return time.monotonic()


def _region(service: Service) -> MeterRegion:
    """What a worker has counted that has asked every upstream and met three kinds of answers."""
    region = MeterRegion.create()
    meters = Meters.attach(region.fd)
    for color in Color:
        counts = ColorMeters(meters, service.name, color)
        for bucket in range(30):
            counts.note(bucket, 0.001, b"4bf92f3577b34da6a3ce929d0e0e4736", trace=True, now=0.0)
        for upstream in service.pool(color):
            cells = UpstreamMeters(meters, service.name, color, upstream.address)
            for status in (200, 304, 404):
                cells.answered(status)
    return region


def _milliseconds(began: float) -> float:
    return (time.perf_counter() - began) * 1000


async def measure(upstreams: int) -> tuple[float, float, float, int, int]:
    """Median milliseconds of the look, of both formats of the text, and the bytes of it, plain and compressed."""
    stub: Any = Stub(upstreams)
    sources = Sources(stub, stub, stub, stub, stub, {}, stub, stub, ProcessTimes())
    presence = Presence()
    looks: list[float] = []
    plain: list[float] = []
    open_metrics: list[float] = []
    text = b""
    for _ in range(ROUNDS):
        began = time.perf_counter()
        snapshot = sources.look()
        looks.append(_milliseconds(began))
        for accept, times in (("application/openmetrics-text", open_metrics), ("", plain)):
            began = time.perf_counter()
            text, _ = text_of(snapshot, presence, accept)
            times.append(_milliseconds(began))
    look, text_plain, text_open = (statistics.median(each) for each in (looks, plain, open_metrics))
    return look, text_plain, text_open, len(text), len(gzip.compress(text, 6))


def main() -> None:
    print(f"{WORKERS} workers, milliseconds, median of {ROUNDS}")
    print(f"{'upstreams':>10}{'look':>8}{'text':>8}{'OpenMetrics':>13}{'bytes':>11}{'gzip':>9}")
    for upstreams in SIZES:
        look, plain, open_metrics, size, small = asyncio.run(measure(upstreams))
        print(f"{upstreams:>10,}{look:8.1f}{plain:8.1f}{open_metrics:13.1f}{size:>11,}{small:>9,}")


if __name__ == "__main__":
    main()
