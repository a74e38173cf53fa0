"""Histograms of latency: quantiles, shares beyond a time, and the same weights for both colors."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from proxy.traffic.judge.evidence import Mark
from proxy.traffic.judgement import Tally

_FORGOTTEN: Final = 20_000
"""When the past holds so many answers, each of them counts half from then on."""

_TOO_FEW: Final = 20


def quantile(bounds: Sequence[float], counts: Sequence[float], share: float) -> float:
    """The time within which that ``share`` was answered, in seconds; the last bound where it is beyond all of them."""
    left = share * sum(counts)
    for index, bound in enumerate(bounds):
        if left <= counts[index] and counts[index]:
            below = bounds[index - 1] if index else 0.0
            return below + (bound - below) * left / counts[index]
        left -= counts[index]
    return bounds[-1]


def share_beyond(bounds: Sequence[float], counts: Sequence[float], seconds: float) -> float:
    """The share that took longer, spread evenly over the bucket that ``seconds`` fall into."""
    total = sum(counts)
    if not total:
        return 0.0
    index = bisect_left(bounds, seconds)
    beyond = float(sum(counts[index + 1 :]))
    if index == len(bounds):
        return counts[index] / total
    below = bounds[index - 1] if index else 0.0
    return (beyond + counts[index] * (bounds[index] - seconds) / (bounds[index] - below)) / total


def nearest(bounds: Sequence[float], seconds: float) -> int:
    """The index of the bound that is closest to a time, by its ratio to it."""
    index = bisect_left(bounds, seconds)
    if index == len(bounds):
        return index - 1
    if index and seconds * seconds < bounds[index - 1] * bounds[index]:
        return index - 1
    return index


class Past:
    """What the old color's latency has been lately: from it the times are chosen that the next stretch is split at."""

    __slots__ = ("_bounds", "_counts")

    def __init__(self, bounds: Sequence[float], before: Tally) -> None:
        self._bounds = bounds
        self._counts = [0.0] * (len(bounds) + 1)
        self.add(before)

    def add(self, tally: Tally) -> None:
        """Count one more stretch."""
        if tally.latency:
            self._counts = [a + b for a, b in zip(self._counts, tally.latency, strict=True)]
        if sum(self._counts) > _FORGOTTEN:
            self._counts = [count / 2 for count in self._counts]

    def quantile(self, share: float) -> float | None:
        """A quantile in seconds; ``None`` as long as there is too little."""
        if sum(self._counts) < _TOO_FEW:
            return None
        return quantile(self._bounds, self._counts, share)


class Spread:
    """Both colors' histograms, stretches weighted so that the old color has as many answers in each as the new one."""

    __slots__ = ("_count", "_new", "_old")

    def __init__(self, buckets: int) -> None:
        self._new = [0.0] * buckets
        self._old = [0.0] * buckets
        self._count = 0.0

    def add(self, new: Sequence[int], old: Sequence[int]) -> None:
        """Count one stretch; it weighs nothing where one color had nothing."""
        new_total, old_total = sum(new), sum(old)
        if not (new_total and old_total):
            return
        new_weight, old_weight = old_total / (new_total + old_total), new_total / (new_total + old_total)
        self._new = [sums + new_weight * count for sums, count in zip(self._new, new, strict=True)]
        self._old = [sums + old_weight * count for sums, count in zip(self._old, old, strict=True)]
        self._count += new_total

    @property
    def mark(self) -> Mark:
        """The sums by now."""
        return (self._count, *self._new, *self._old)

    def since(self, mark: Mark) -> tuple[float, list[float], list[float]]:
        """How many answers of the new color came since, and the histograms of the new and the old color."""
        buckets = len(self._new)
        new = [max(0.0, now - then) for now, then in zip(self._new, mark[1 : buckets + 1], strict=True)]
        old = [max(0.0, now - then) for now, then in zip(self._old, mark[buckets + 1 :], strict=True)]
        return self._count - mark[0], new, old

    def whole(self) -> tuple[float, list[float], list[float]]:
        """The same from the beginning on."""
        return self._count, self._new, self._old
