"""Limits that one color is held to by itself: absolute ones, and what the old color did when it still had traffic."""

from __future__ import annotations

import math
from typing import Final

from proxy.traffic.judge import power
from proxy.traffic.judge.checks import Check, Count
from proxy.traffic.judge.effect import Z_CLEAR, wilson
from proxy.traffic.judge.evidence import Evidence, Mark
from proxy.traffic.judge.likelihood import ODDS, binomial
from proxy.traffic.judge.words import percent
from proxy.traffic.judgement import Tally

_CLEARLY: Final = 3.0
"""Standard errors by which the old color has to be better for a limit to be the new color's fault."""

_A_SECOND: Final = 4
"""Stretches, of a quarter of a second each."""

_MOST: Final = math.log(4)
"""The log of how much likelier one second makes a difference at most."""


class Ceiling(Check):
    """A share of bad ones that the new color may not exceed, unless the old one does at the same time."""

    __slots__ = ("_count", "_evidence", "_limit", "_sums", "_words")

    def __init__(self, count: Count, words: str, limit: float) -> None:
        """``limit`` is the share; in the words ``{share}`` stands for what it was."""
        self._count, self._words = count, words
        self._limit = min(max(limit, 1e-9), 1 - 1e-9)
        self._sums: Mark = (0.0, 0.0, 0.0, 0.0)
        self._evidence = Evidence(len(ODDS), self._sums)

    def add(self, old: Tally, new: Tally) -> None:
        """Take in one stretch."""
        count, bad = self._count(new)
        self._weigh(count, bad)
        old_count, old_bad = self._count(old)
        sums = self._sums
        self._sums = (sums[0] + count, sums[1] + bad, sums[2] + old_count, sums[3] + old_bad)

    def _weigh(self, count: int, bad: int) -> None:
        if count:
            self._evidence.add(binomial(count, bad, self._limit), self._sums)

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
        since = self._evidence.since
        count, bad, old_count, old_bad = [now - then for now, then in zip(self._sums, since, strict=True)]
        if not count or bad <= self._limit * count or _alike(count, bad, old_count, old_bad):
            return None
        return self._words.format(share=percent(bad / count))

    def needed(self, log_limit: float) -> float | None:
        """See the base class."""
        count, bad = self._sums[0], self._sums[1]
        if not count:
            return None
        if wilson(bad / count, count, Z_CLEAR) < self._limit:
            return 0.0
        return max(count / 10, power.to_clear_share(bad / count, self._limit) - count)


class LastingCeiling(Ceiling):
    """The same for what many requests suffer at once: a host that stands still for a second delays thousands of them.

    That is one event and not thousands, and with nobody beside it who would have had it too, it may be anybody's. So
    what happens within a second is one piece of evidence, and no second makes it more than ``_MOST`` times likelier
    that there is a difference. Ratios that are cut off have an expectation of at most one still, so all that is said
    of evidence stays true; to be sure takes seven bad seconds or more.
    """

    __slots__ = ("_began", "_looks", "_second")

    def __init__(self, count: Count, words: str, limit: float) -> None:
        """See the base class."""
        super().__init__(count, words, limit)
        self._second, self._looks, self._began = (0, 0), 0, self._sums

    def _weigh(self, count: int, bad: int) -> None:
        if not self._looks:
            self._began = self._sums
        self._second = (self._second[0] + count, self._second[1] + bad)
        self._looks += 1
        if self._looks == _A_SECOND:
            count, bad = self._second
            if count:
                ratios = binomial(count, bad, self._limit)
                self._evidence.add([min(ratio, _MOST) for ratio in ratios], self._began)
            self._second, self._looks = (0, 0), 0


def _alike(count: float, bad: float, old_count: float, old_bad: float) -> bool:
    """Whether the old color, in the same time, is no better for sure."""
    if not old_count:
        return False
    both = (bad + old_bad) / (count + old_count)
    error = math.sqrt(both * (1 - both) * (1 / count + 1 / old_count))
    return bad / count - old_bad / old_count <= _CLEARLY * error
