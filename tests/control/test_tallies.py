"""Tallies: what the judge is shown of a color is what the workers counted, without the testers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proxy.control.tallies import less, read_tally
from proxy.dataplane.accounting import ColorMeters, preview_meters, route_meters
from proxy.shm.meters import MeterRegion, Meters
from proxy.shm.names import BUCKETS
from proxy.shm.totals import MeterTotals
from proxy.traffic.judgement import Tally
from proxy.traffic.spec import Color

BLUE = ("shop", Color.BLUE)


@pytest.fixture
def totals() -> Iterator[MeterTotals]:
    """Two workers."""
    totals = MeterTotals()
    for _ in range(2):
        totals.add(MeterRegion.create(cells=65_536, directory=65_536))
    yield totals
    for region in totals.regions:
        region.close()


def workers(totals: MeterTotals) -> list[Meters]:
    """Their sides of the meters."""
    return [Meters.attach(region.fd) for region in totals.regions]


def latency(*seconds: float) -> tuple[int, ...]:
    """A count for each bucket."""
    counts = [0] * (len(BUCKETS) + 1)
    for each in seconds:
        counts[sum(bound < each for bound in BUCKETS)] += 1
    return tuple(counts)


def test_testers_are_left_out(totals: MeterTotals) -> None:
    """Requests, errors, failures and first bytes of all workers are there, but for those of testers."""
    for meters in workers(totals):
        color, testers = ColorMeters(meters, *BLUE), preview_meters(meters, *BLUE)
        for status, first in ((200, 0.01), (503, 0.3), (499, 99.0)):
            color.answered(status, b"GET", 1.0, 0, 0)
            color.first_byte(first)
        color.failed()
        for counted in (color, testers):
            counted.first_byte(0.0001)
            counted.failed()
        color.answered(500, b"GET", 1.0, 0, 0)
        testers.answered(500)
    assert read_tally(totals, *BLUE) == Tally(6, 2, 2, latency(*[0.01, 0.3, 99.0] * 2))
    assert read_tally(totals, "shop", Color.GREEN) == Tally(latency=latency())


def test_a_tally_outlives_its_worker_and_what_was_before_can_be_taken_off(totals: MeterTotals) -> None:
    """The tally of a stretch of time is the difference of two, also when a worker died in it."""
    one, other = (ColorMeters(meters, *BLUE) for meters in workers(totals))
    one.answered(500, b"GET", 1.0, 0, 0)
    one.first_byte(0.002)
    before = read_tally(totals, *BLUE)
    for color in (one, other):
        color.answered(500, b"GET", 1.0, 0, 0)
        color.first_byte(0.004)
    totals.retire(totals.regions[0])
    assert less(read_tally(totals, *BLUE), before) == Tally(2, 2, 0, latency(0.004, 0.004))
    assert less(before, Tally()) == before
    assert less(Tally(), before) == Tally(latency=latency())


def test_a_route_is_counted_by_itself(totals: MeterTotals) -> None:
    """Its tally is of the requests below it, and of nothing else."""
    for meters in workers(totals):
        route = route_meters(meters, *BLUE, "/api")
        route.answered(502)
        route.failed()
        route.first_byte(0.02)
        ColorMeters(meters, *BLUE).answered(200, b"GET", 1.0, 0, 0)
    assert read_tally(totals, *BLUE, "/api") == Tally(2, 2, 2, latency(0.02, 0.02))
    assert read_tally(totals, *BLUE, "/other") == Tally(latency=latency())
