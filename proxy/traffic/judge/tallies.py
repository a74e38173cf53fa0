"""Arithmetic with tallies: what of how many was bad, and gathering stretches that are too short to compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proxy.traffic.judge.likelihood import Table
from proxy.traffic.judgement import Sample, Tally

ENOUGH: Final = 16
"""A stretch in which both colors together had so many requests is compared by itself, if each had one."""

_ONE_SIDED: Final = 10_000
"""A stretch with so many requests and only one color in it is given up."""


def together(one: Tally, other: Tally) -> Tally:
    """What was done in two stretches. A counter that went backwards has counted nothing."""
    return Tally(
        max(0, one.requests) + max(0, other.requests),
        max(0, one.errors) + max(0, other.errors),
        max(0, one.failures) + max(0, other.failures),
        _added(one.latency, other.latency),
    )


def _added(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    if not one or not other:
        return tuple([max(0, count) for count in one or other])
    return tuple([max(0, a) + max(0, b) for a, b in zip(one, other, strict=True)])


def erroneous(tally: Tally) -> tuple[int, int]:
    """How many requests there were, and how many of them were answered with 5xx."""
    return tally.requests, min(tally.errors, tally.requests)


def failed(tally: Tally) -> tuple[int, int]:
    """How many attempts there were, and how many failed.

    An answered request had one attempt that did not fail, or whose failure was its answer; counting the latter twice
    makes the test a little more careful, never less.
    """
    return tally.requests + tally.failures, tally.failures


def slower(tally: Tally, bound: int) -> tuple[int, int]:
    """How many answers there were, and how many took longer than the bound with this index."""
    return sum(tally.latency), sum(tally.latency[bound + 1 :])


def table(new: tuple[int, int], old: tuple[int, int]) -> Table:
    """Both colors' counts beside each other."""
    return Table(new[0], new[1], old[0], old[1])


class Pool:
    """Gathers samples until there is something to compare.

    Whether there is depends on the number of requests alone and not on how they ended, so that looking at the pool only
    when it is full gives no outcome an advantage. At usual rates each sample is full by itself.
    """

    __slots__ = ("_new", "_old")

    def __init__(self) -> None:
        self._new = self._old = Tally()

    def add(self, sample: Sample) -> Sample | None:
        """Put a sample in; what comes out, if anything, is a stretch to be compared."""
        self._old, self._new = together(self._old, sample.old), together(self._new, sample.new)
        old, new = self._old.requests, self._new.requests
        if old + new < ENOUGH or (not (old and new) and old + new < _ONE_SIDED):
            return None
        full = Sample(self._old, self._new, sample.route)
        self._new = self._old = Tally()
        return full
