from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.shm.histogram import Histogram, observe
from proxy.shm.names import BUCKETS, HISTOGRAM_CELLS, SHOWN_BUCKETS


def cells() -> memoryview:
    """Room for one block, with a cell to spare before and after it."""
    return memoryview(bytearray(8 * (HISTOGRAM_CELLS + 2))).cast("Q")


@given(st.lists(st.one_of(st.floats(0, 120), st.sampled_from(BUCKETS)), max_size=50))
def test_buckets_count_what_is_at_or_below_their_bound(durations: list[float]) -> None:
    """Every bucket counts the durations up to its bound, the last one all; the sum is theirs to the microsecond."""
    block = cells()
    for seconds in durations:
        observe(block, 1, seconds)
    histogram = Histogram.from_cells(block[1:-1])
    assert histogram.count == len(durations)
    assert histogram.sum_seconds == pytest.approx(sum(durations), abs=1e-6 * len(durations) + 1e-12)
    expected = [(bound, sum(seconds <= bound for seconds in durations)) for bound in (*SHOWN_BUCKETS, math.inf)]
    assert expected == list(histogram.buckets)


def test_bounds_are_fine_and_every_one_that_is_shown_is_among_them() -> None:
    """No bound is more than a third above the one before it, so a quantile is known to within that."""
    assert set(SHOWN_BUCKETS) <= set(BUCKETS)
    assert all(low < high < low * 1.34 for low, high in itertools.pairwise(BUCKETS))


def test_a_histogram_stays_in_its_block() -> None:
    """The cells before and after the block are left alone by the shortest and the longest duration."""
    block = cells()
    for seconds in (0.0, 1e-9, 60.0, 61.0, 1e6):
        observe(block, 1, seconds)
    assert (block[0], block[-1]) == (0, 0)


@pytest.mark.parametrize("size", [0, HISTOGRAM_CELLS - 1, HISTOGRAM_CELLS + 1])
def test_a_block_of_another_size_is_no_histogram(size: int) -> None:
    """Cells that were written with other buckets are refused, not shown wrong."""
    with pytest.raises(ValueError, match="cells"):
        Histogram.from_cells([0] * size)
