"""Latency histograms in a block of cells: filled by workers, read by the supervisor."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proxy.shm.names import BUCKETS, HISTOGRAM_CELLS, SHOWN_BUCKETS

_SUM: Final = HISTOGRAM_CELLS - 1
_FIRST_BUCKET: Final = BUCKETS[0]
_SHOWN: Final = frozenset(SHOWN_BUCKETS)


def observe(cells: memoryview, first: int, seconds: float) -> int:
    """Count a duration of 0 or more ``seconds`` in the block of ``HISTOGRAM_CELLS`` cells that starts at ``first``.

    Gives the number of the bucket that it fell into.
    """
    bucket = 0 if seconds <= _FIRST_BUCKET else bisect_left(BUCKETS, seconds)
    cells[first + bucket] += 1
    cells[first + _SUM] += int(seconds * 1e6 + 0.5)
    return bucket


@dataclass(frozen=True, slots=True)
class Histogram:
    """One histogram as Prometheus shows it."""

    buckets: tuple[tuple[float, int], ...]
    """Upper bound in seconds, and how many were at or below it; the last bound is infinite. Only what is shown."""
    count: int
    sum_seconds: float

    @classmethod
    def from_cells(cls, values: Sequence[int]) -> Histogram:
        """The histogram that a block of ``HISTOGRAM_CELLS`` cells, or a sum of such blocks, stands for."""
        if len(values) != HISTOGRAM_CELLS:
            raise ValueError(f"a histogram has {HISTOGRAM_CELLS} cells, not {len(values)}")
        buckets, count = [], 0
        for bound, inside in zip((*BUCKETS, math.inf), values[:_SUM], strict=True):
            count += inside
            if bound in _SHOWN:
                buckets.append((bound, count))
        buckets.append((math.inf, count))
        return cls(buckets=tuple(buckets), count=count, sum_seconds=values[_SUM] / 1e6)
