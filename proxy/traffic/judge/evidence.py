"""Evidence that grows while one watches, and may be looked at at any time.

A product of likelihood ratios is a wealth that nobody can expect to grow as long as there is no difference; that it
ever reaches 1/a has then a probability of at most a (Ville's inequality). So a judge may look after each stretch and
stop when it likes.

How large a difference is, and when it begins, is not known. So the wealth is spread: evenly over several sizes, and
over all the moments at which it may begin, earlier ones getting more. A mixture of such products is one again.

- Ville, Etude critique de la notion de collectif, 1939.
- Robbins, Statistical methods related to the law of the iterated logarithm, Annals of Mathematical Statistics 41, 1970.
- Johari, Koomen, Pekelis, Walsh, Always valid inference: continuous monitoring of A/B tests, Operations Research 70,
  2022.
- Ramdas, Grunwald, Vovk, Shafer, Game-theoretic statistics and safe anytime-valid inference, Statistical Science 38,
  2023.
- Turner, Ly, Grunwald, Generic E-variables for exact sequential k-sample tests that allow for optional stopping,
  Journal of Statistical Planning and Inference 230, 2024: for two-by-two tables, with an e-value of another kind.
- Shin, Ramdas, Rinaldo, E-detectors: a nonparametric framework for sequential change detection, New England Journal of
  Statistics in Data Science, 2023: starts again and again, too. Here the weights of the starts add up to one, so that
  the promise is about ever, and not about how often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

Mark = tuple[float, ...]
"""What some sums were at some time."""

_NOTHING: Final = -math.inf
_ALL_STARTS: Final = 2.11
"""Just above the sum of 1 / (k ln(k)^2) over all k from 2 on."""


def log_of_sum(logs: Sequence[float]) -> float:
    """The log of a sum of numbers of which the logs are given."""
    largest = max(logs)
    if largest == _NOTHING:
        return _NOTHING
    return largest + math.log(sum(math.exp(log - largest) for log in logs))


class Evidence:
    """The wealth of one test, and since when it grows."""

    __slots__ = ("_gains", "_logs", "_marks", "_starts")

    def __init__(self, sizes: int, beginning: Mark) -> None:
        """``sizes`` of differences are looked for at once; ``beginning`` is what the sums are before anything."""
        self._logs = [_NOTHING] * sizes
        self._gains = [0.0] * sizes
        self._marks = [beginning] * sizes
        self._starts = 0

    def add(self, ratios: Sequence[float], mark: Mark) -> None:
        """Take in the log likelihood ratios of one stretch; ``mark`` says what the sums were before it."""
        start = _log_of_start(self._starts) - math.log(len(ratios))
        self._starts += 1
        for size, ratio in enumerate(ratios):
            self._logs[size] = _log_of_two(self._logs[size], start) + ratio
            if self._gains[size] <= 0.0:
                self._gains[size], self._marks[size] = 0.0, mark
            self._gains[size] += ratio

    @property
    def log(self) -> float:
        """The log of the wealth; above ln(1/a) with a probability of at most a as long as there is no difference."""
        return log_of_sum(self._logs)

    @property
    def strongest(self) -> float:
        """The log of what the best size, from its best start on, would have won. Never less than ``log``."""
        return max(self._gains)

    @property
    def since(self) -> Mark:
        """When that start was: the likeliest beginning of the difference, if there is one."""
        return self._marks[self._gains.index(max(self._gains))]


def _log_of_start(number: int) -> float:
    """The weight of a start: they fall so slowly that a late one still has some, and add up to one."""
    return -math.log(_ALL_STARTS * (number + 2)) - 2 * math.log(math.log(number + 2))


def _log_of_two(a: float, b: float) -> float:
    """The log of the sum of two numbers, the second of which is not zero."""
    return a + math.log1p(math.exp(b - a)) if a > b else b + math.log1p(math.exp(a - b))
