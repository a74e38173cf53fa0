"""What is compared between the colors. Each check gathers evidence of one kind of difference and knows how large it is.

A check speaks against the new color only if both hold: there is a difference for sure, and it is one that matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from proxy.traffic.judge import power
from proxy.traffic.judge.effect import Z_BEFORE, Z_CLEAR, Z_NEWS, Contrast, Shares, excused, wilson
from proxy.traffic.judge.evidence import Evidence, Mark, log_of_sum
from proxy.traffic.judge.latency import Past, Spread, nearest, quantile, share_beyond
from proxy.traffic.judge.likelihood import ODDS, hypergeometric
from proxy.traffic.judge.names import Sides
from proxy.traffic.judge.tallies import slower, table
from proxy.traffic.judge.words import duration, percent
from proxy.traffic.judgement import Sample, Tally

Count = Callable[[Tally], tuple[int, int]]
"""How many there were, and how many of them were bad."""

FLOOR: Final = 0.005
"""Seconds: nobody cares whether an answer takes so much longer, however many times longer that is."""


class Check:
    """One kind of difference, in one stream of traffic."""

    __slots__ = ()

    @property
    def log(self) -> float:
        """The log of the evidence that there is a difference."""
        raise NotImplementedError

    @property
    def strongest(self) -> float:
        """Cheap, and never less than ``log``."""
        raise NotImplementedError

    def harm(self) -> str | None:
        """What is worse, in words, if it is worse by so much that it matters."""
        raise NotImplementedError

    def needed(self, log_limit: float) -> float | None:
        """How many more requests it takes to rule a difference out that matters, or to show it if it is there.

        0: it is ruled out. ``None``: there has been nothing to compare with.
        """
        raise NotImplementedError


class ShareCheck(Check):
    """The shares of bad ones, of whatever kind."""

    __slots__ = ("_allowed", "_count", "_evidence", "_excused", "_sides", "_sums", "_words")

    def __init__(self, count: Count, words: str, *, margin: float, sides: Sides, before: Sample) -> None:
        """In the words ``{more}`` stands for the new side's share, ``{less}`` and ``{of_old}`` for the old one's."""
        self._count, self._words, self._sides = count, words, sides
        self._excused = excused(table(count(before.new), count(before.old)))
        self._allowed = margin + self._excused
        self._sums = Shares()
        self._evidence = Evidence(len(ODDS), self._sums.mark)

    def add(self, old: Tally, new: Tally) -> None:
        """Take in one stretch."""
        stretch = table(self._count(new), self._count(old))
        if stretch.telling:
            self._evidence.add(hypergeometric(stretch), self._sums.mark)
        self._sums.add(stretch)

    @property
    def log(self) -> float:
        """See the base class."""
        return self._evidence.log

    @property
    def strongest(self) -> float:
        """See the base class."""
        return self._evidence.strongest

    def harm(self) -> str | None:
        """See the base class."""
        whole, lately = self.contrast(), self._sums.since(self._evidence.since)
        # Where both say the same it is told of the whole: the worst stretch of all looks worse than things are.
        found = whole if self._excused or self._matters(whole) else lately
        if not self._matters(found):
            return None
        less = percent(found.old)
        return self._words.format(more=percent(found.new), less=less, of_old=self._sides.old.part(less))

    def _matters(self, found: Contrast) -> bool:
        # Of a color that was worse before it is no news that it is, and evidence for that says nothing: its excess over
        # what it was has to be sure by itself, over the whole time and not over a stretch that was picked for it.
        unsure = Z_NEWS * found.error if self._excused else 0.0
        return found.difference > self._allowed + unsure

    def contrast(self) -> Contrast:
        """Both shares from the beginning on."""
        return self._sums.since()

    def needed(self, log_limit: float) -> float | None:
        """See the base class."""
        found = self.contrast()
        if not found.weight:
            return None
        if found.highest < self._allowed:
            return 0.0
        split = 1 - found.weight / found.count
        if found.difference > self._allowed / 2:
            return max(1.0, power.to_show(found.new, found.old, split, log_limit) - found.count)
        return max(found.count / 10, power.to_clear(found.old, self._allowed, split) - found.count)


@dataclass(frozen=True, slots=True)
class Slowness:
    """What makes a color slow: a quantile, and where the times are between which fast and slow are told apart."""

    name: str
    quantile: float
    splits: tuple[tuple[float, float], ...]
    """Each a quantile of the old color, and by what power of the allowed slowdown it is multiplied."""


MEDIAN: Final = Slowness("median", 0.5, ((0.5, 0.5),))
TAIL: Final = Slowness("p99", 0.99, ((0.9, 0.5), (0.99, 0.5), (0.99, 1.5)))
"""Three, for a tail may become thicker without becoming longer, and the other way round. Their evidence is averaged."""


class LatencyCheck(Check):
    """How many take longer than times that were chosen from what the old color did before the stretch."""

    __slots__ = ("_bounds", "_evidences", "_excused", "_latency", "_past", "_sides", "_slowness", "_spread")

    def __init__(
        self,
        slowness: Slowness,
        bounds: Sequence[float],
        *,
        past: Past,
        spread: Spread,
        latency: float,
        sides: Sides,
        before: Sample,
    ) -> None:
        """``past`` and ``spread`` are kept up to date by whoever made them, after each stretch."""
        self._slowness, self._bounds, self._latency = slowness, bounds, latency
        self._past, self._spread, self._sides = past, spread, sides
        self._evidences = [Evidence(len(ODDS), spread.mark) for _ in slowness.splits]
        self._excused = slowed(before, bounds, slowness.quantile)

    def add(self, old: Tally, new: Tally, mark: Mark) -> None:
        """Take in one stretch."""
        for evidence, (share, exponent) in zip(self._evidences, self._slowness.splits, strict=True):
            typical = self._past.quantile(share)
            if typical is None:
                return
            bound = nearest(self._bounds, typical * self._latency**exponent)
            stretch = table(slower(new, bound), slower(old, bound))
            if stretch.telling:
                evidence.add(hypergeometric(stretch), mark)

    @property
    def log(self) -> float:
        """See the base class."""
        return log_of_sum([evidence.log for evidence in self._evidences]) - math.log(len(self._evidences))

    @property
    def strongest(self) -> float:
        """See the base class."""
        return max([evidence.strongest for evidence in self._evidences])

    def harm(self) -> str | None:
        """See the base class."""
        since = max(self._evidences, key=lambda evidence: evidence.strongest).since
        whole, lately = self._spread.whole(), self._spread.since(since)
        found = whole if self._excused > 1.0 or self._matters(*whole) else lately
        if not self._matters(*found):
            return None
        _, new, old = found
        slow, fast = duration(self._quantile(new)), duration(self._quantile(old))
        new_one, old_one = self._sides.new.whose, self._sides.old.whose
        return f"{new_one} {self._slowness.name} is {slow} against {old_one} {fast}"

    def needed(self, log_limit: float) -> float | None:
        """See the base class."""
        count, new, old = self._spread.whole()
        if not count:
            return None if self._past.quantile(0.5) is not None else 0.0
        typical, limit = self._quantile(old), 1 - self._slowness.quantile
        slow = self._too_slow(typical)
        if wilson(share_beyond(self._bounds, new, slow), count, Z_CLEAR) < limit:
            return 0.0
        return max(count / 10, power.to_clear_share(share_beyond(self._bounds, old, slow), limit) - count)

    def quantiles(self) -> tuple[float, float] | None:
        """The new color's and the old one's from the beginning on, in seconds."""
        count, new, old = self._spread.whole()
        return (self._quantile(new), self._quantile(old)) if count else None

    def _quantile(self, counts: Sequence[float]) -> float:
        return quantile(self._bounds, counts, self._slowness.quantile)

    def _matters(self, count: float, new: Sequence[float], old: Sequence[float]) -> bool:
        if not count:
            return False
        slow = self._too_slow(self._quantile(old))
        if self._excused <= 1.0:
            return self._quantile(new) > slow
        share = 1 - self._slowness.quantile  # see ShareCheck
        return share_beyond(self._bounds, new, slow) > share + Z_NEWS * math.sqrt(share * (1 - share) / count)

    def _too_slow(self, old: float) -> float:
        return max(old * self._latency * self._excused, old + FLOOR)


def slowed(before: Sample, bounds: Sequence[float], share: float) -> float:
    """How many times slower the new color was before, give or take chance; 1 if it was not."""
    old, new = before.old.latency, before.new.latency
    if not (sum(old) and sum(new)):
        return 1.0
    typical = quantile(bounds, old, share)
    bound = nearest(bounds, typical)
    if not excused(table(slower(before.new, bound), slower(before.old, bound))):
        return 1.0
    return max(1.0, quantile(bounds, new, wilson(share, sum(new), Z_BEFORE)) / typical)
