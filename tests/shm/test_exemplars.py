from __future__ import annotations

from collections.abc import Iterator

import pytest

from proxy.shm.exemplars import LONGEST_ID, SLOT_SIZE, SLOTS, Exemplar, ExemplarRow
from proxy.shm.meters import MeterRegion, Meters
from proxy.shm.names import BUCKETS, HISTOGRAM_CELLS, SHOWN_BUCKETS, Series
from proxy.shm.totals import MeterTotals
from tests.shm.processes import start

BLUE = (Series.DURATION, "default", "blue")


@pytest.fixture
def region() -> Iterator[MeterRegion]:
    """A worker's region."""
    region = MeterRegion.create()
    yield region
    region.close()


def note(region: MeterRegion, ident: bytes, *, seconds: float = 0.002, at: float = 1.0, trace: bool = False) -> None:
    """What a worker notes of a request to blue."""
    meters = Meters.attach(region.fd)
    bucket = sum(bound < seconds for bound in BUCKETS)
    first = meters.block(HISTOGRAM_CELLS, *BLUE)
    meters.exemplars.note(first, bucket, seconds, ident, trace=trace, at=at)


def test_what_a_worker_notes_the_supervisor_reads(region: MeterRegion) -> None:
    """Id, time, duration and whose id it is arrive, under the name of the histogram and the bucket that is shown."""
    note(region, b"ab-1", seconds=0.0021, at=1234.5, trace=True)
    assert SHOWN_BUCKETS[1] == 0.0025
    assert region.exemplars() == {(BLUE, 1): Exemplar(1234.5, 0.0021, True, "ab-1")}


@pytest.mark.parametrize("bucket", range(len(BUCKETS) + 1))
def test_an_exemplar_lies_within_its_shown_bucket(bucket: int) -> None:
    """OpenMetrics wants the value of an exemplar between the bounds of the bucket that it stands at."""
    row = ExemplarRow(memoryview(bytearray(SLOT_SIZE)))
    row.note(66, bucket, 0.0, b"x", trace=False, at=1.0)
    ((_, shown),) = row.read()
    counted = (0.0, *BUCKETS, float("inf"))
    bounds = (0.0, *SHOWN_BUCKETS, float("inf"))
    assert bounds[shown] <= counted[bucket] < counted[bucket + 1] <= bounds[shown + 1]


def test_an_id_that_is_too_long_is_left_out(region: MeterRegion) -> None:
    """A label that would break the format, or be half an id, is never shown."""
    note(region, b"x" * (LONGEST_ID + 1))
    assert region.exemplars() == {}
    note(region, b"x" * LONGEST_ID)
    assert [each.id for each in region.exemplars().values()] == ["x" * LONGEST_ID]


def test_when_all_slots_are_taken_further_buckets_go_without() -> None:
    """Nothing is written beyond the row, and what has a slot is still kept up to date."""
    row = ExemplarRow(memoryview(bytearray(SLOTS * SLOT_SIZE)))
    for first in range(100, 100 + SLOTS + 5):
        row.note(first, 0, 0.0001, b"id", trace=False, at=1.0)
    row.note(100, 0, 0.0001, b"newer", trace=False, at=2.0)
    noted = row.read()
    assert len(noted) == SLOTS
    assert noted[100, 0].id == "newer"


def test_a_slot_that_is_half_written_is_passed_over() -> None:
    """A spoiled slot is not shown, and those behind it are."""
    area = bytearray(3 * SLOT_SIZE)
    row = ExemplarRow(memoryview(area))
    for first in (100, 200):
        row.note(first, 0, 0.0001, b"id", trace=False, at=1.0)
    area[SLOT_SIZE - 60] ^= 1
    assert row.read().keys() == {(200, 0)}


def test_no_read_is_torn_while_a_worker_writes(region: MeterRegion) -> None:
    """Whatever is read while another process overwrites one slot as fast as it can, it was written so."""
    writer = start("note", region.fd)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        seen: set[float] = set()
        while len(seen) < 300:
            for each in region.exemplars().values():
                assert each.id == f"{int(each.at):x}" * 4
                assert each.seconds == each.at / 1e9
                seen.add(each.at)
    finally:
        writer.kill()
        writer.communicate()


def test_the_newest_of_all_workers_is_shown_also_of_dead_ones() -> None:
    """Of one bucket noted by several workers the latest stands, and it stays when its worker is gone."""
    totals = MeterTotals()
    for at in (5.0, 9.0, 7.0):
        region = MeterRegion.create()
        note(region, b"at-%d" % int(at), at=at)
        totals.add(region)
    assert [each.id for each in totals.exemplars().values()] == ["at-9"]
    totals.retire(totals.regions[1])
    assert [each.id for each in totals.exemplars().values()] == ["at-9"]
    for region in totals.regions:
        region.close()
