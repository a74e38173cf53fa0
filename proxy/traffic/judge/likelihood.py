"""How much better a real difference explains what was seen than none at all.

In a short stretch of time the new color answered n1 requests and the old one n0, and f of them all were bad. If it
makes no difference to a request which color answers it, then those f fell on the colors like lots, and the new color's
number of them is hypergeometric: whatever the share of errors, the traffic and the split are just then. If the odds of
an error are psi times higher at the new color, it is Fisher's noncentral hypergeometric. The ratio of the two has the
expectation 1 as long as there is no difference, in each stretch, so the product over all stretches has it as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

ODDS: Final[tuple[float, ...]] = (1.1, 1.25, 1.5, 2.0, 3.0, 6.0, 20.0, 200.0)
"""So many times higher odds are looked for, all at once."""

LOG_ODDS: Final[tuple[float, ...]] = tuple(math.log(odds) for odds in ODDS)

_NEGLIGIBLE: Final = 1e-11
"""Terms smaller than this part of the largest are left out of a sum; they fall off faster than geometrically."""


@dataclass(frozen=True, slots=True)
class Table:
    """A stretch of time: of how many each color had, how many were bad."""

    new: int
    new_bad: int
    old: int
    old_bad: int

    @property
    def bad(self) -> int:
        """Of both colors together."""
        return self.new_bad + self.old_bad

    @property
    def telling(self) -> bool:
        """Whether it could have come out one way or the other."""
        return self.new > 0 and self.old > 0 and 0 < self.bad < self.new + self.old


def hypergeometric(table: Table) -> list[float]:
    """The logs of the likelihood ratios of each of ``ODDS`` times higher odds against none."""
    return [table.new_bad * log_odds - log_normalizer(table, log_odds) for log_odds in LOG_ODDS]


def binomial(count: int, bad: int, share: float) -> list[float]:
    """The same for ``bad`` of ``count`` of one color alone, against a ``share`` of at most so many bad ones."""
    return [
        bad * log_odds - count * math.log1p(share * (odds - 1)) for odds, log_odds in zip(ODDS, LOG_ODDS, strict=True)
    ]


def log_normalizer(table: Table, log_psi: float) -> float:
    """The log of the mean of psi to the power of the new color's bad ones, if there is no difference.

    Summed from its largest term outwards until nothing is added any more: some ten standard deviations, so the cost
    grows with the root of the number of bad ones.
    """
    new, old, bad, psi = table.new, table.old, table.bad, math.exp(log_psi)
    lowest, highest = max(0, bad - old), min(bad, new)
    mode = min(max(_mode(new, old, bad, psi), lowest), highest)
    total = term = 1.0
    for k in range(mode, highest):
        term *= psi * (new - k) * (bad - k) / ((k + 1) * (old - bad + k + 1))
        total += term
        if term < _NEGLIGIBLE:
            break
    term = 1.0
    for k in range(mode, lowest, -1):
        term *= k * (old - bad + k) / (psi * (new - k + 1) * (bad - k + 1))
        total += term
        if term < _NEGLIGIBLE:
            break
    largest = _log_choose(new, mode) + _log_choose(old, bad - mode) + mode * log_psi
    return largest + math.log(total) - _log_choose(new + old, bad)


def _mode(new: int, old: int, bad: int, psi: float) -> int:
    """Where the noncentral hypergeometric is largest: where the ratio of neighboring terms goes through one."""
    a = psi - 1
    b = psi * (new + bad + 2) + old - bad
    c = psi * (new + 1) * (bad + 1)
    # The stable form of the smaller root of a x^2 - b x + c; without a difference it is c / b.
    return int(2 * c / (b + math.sqrt(max(0.0, b * b - 4 * a * c))))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
