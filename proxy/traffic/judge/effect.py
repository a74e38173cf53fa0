"""How large a difference is, and between which bounds it lies.

Stretches are weighted as Mantel and Haenszel do (Statistical aspects of the analysis of data from retrospective studies
of disease, Journal of the National Cancer Institute 22, 1959; for differences of shares, Greenland and Robins,
Biometrics 41, 1985): the old color counts as much as the new one in each stretch. So a time of errors in which the
split was another one does not make a difference where there is none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from proxy.traffic.judge.evidence import Mark
from proxy.traffic.judge.likelihood import Table

Z_CLEAR: Final = 1.645
"""Standard errors of a bound that holds with 95 %."""

Z_NEWS: Final = 4.0
"""Standard errors by which a color that was worse before has to have become worse still: looked at again and again."""

_Z_WORSE: Final = 0.5
"""Standard errors by which something has to have been worse before: what seems so may have been so."""

Z_BEFORE: Final = 2.0
"""Standard errors within which it then counts as the same."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """Both colors' shares of bad ones, as if they had had the same traffic."""

    new: float
    old: float
    weight: float
    """As good as a comparison of so many of the new color with endlessly many of the old one."""
    count: float
    """So many of the new color are in it."""

    @property
    def difference(self) -> float:
        """By how much the new color's share is higher."""
        return self.new - self.old

    @property
    def error(self) -> float:
        """The standard error of the difference."""
        if not self.weight:
            return 1.0
        return math.sqrt(self.new * (1 - self.new) / self.count + self.old * (1 - self.old) / self._old_count)

    @property
    def highest(self) -> float:
        """The difference is below that, with 95 % (Newcombe, Statistics in Medicine 17, 1998, his method 10)."""
        if not self.weight:
            return 1.0
        above = wilson(self.new, self.count, Z_CLEAR) - self.new
        below = self.old - wilson(self.old, self._old_count, -Z_CLEAR)
        return self.difference + math.hypot(above, below)

    @property
    def _old_count(self) -> float:
        return 1 / max(1e-12, 1 / self.weight - 1 / self.count)


def wilson(share: float, count: float, z: float) -> float:
    """The bound of a share, ``z`` standard errors above it, or below it if ``z`` is negative (Wilson, 1927)."""
    if count <= 0:
        return 1.0 if z > 0 else 0.0
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return min(1.0, max(0.0, (middle + spread) / (1 + z * z / count)))


class Shares:
    """Sums of the tables of all stretches: what a contrast between any two moments is made of."""

    __slots__ = ("_count", "_new", "_old", "_weight")

    def __init__(self) -> None:
        self._new = self._old = self._weight = self._count = 0.0

    def add(self, table: Table) -> None:
        """Count one stretch; it weighs nothing where one color had nothing."""
        everything = table.new + table.old
        if table.new and table.old:
            self._new += table.new_bad * table.old / everything
            self._old += table.old_bad * table.new / everything
            self._weight += table.new * table.old / everything
            self._count += table.new

    @property
    def mark(self) -> Mark:
        """The sums by now."""
        return (self._new, self._old, self._weight, self._count)

    def since(self, mark: Mark = (0.0, 0.0, 0.0, 0.0)) -> Contrast:
        """The contrast in all stretches since."""
        weight, count = self._weight - mark[2], self._count - mark[3]
        if weight <= 1e-9:
            return Contrast(0.0, 0.0, 0.0, 0.0)
        return Contrast(
            new=min(1.0, max(0.0, (self._new - mark[0]) / weight)),
            old=min(1.0, max(0.0, (self._old - mark[1]) / weight)),
            weight=weight,
            count=count,
        )


def excused(before: Table) -> float:
    """By how much the new color's share was higher before, give or take chance; 0 if it was not."""
    if not _worse(before):
        return 0.0
    new, old = before.new_bad / before.new, before.old_bad / before.old
    return wilson(new, before.new, Z_BEFORE) - wilson(old, before.old, -Z_BEFORE)


def _worse(before: Table) -> bool:
    if not (before.new and before.old):
        return False
    # Half a one more in each cell keeps the logs finite (Haldane 1956, Anscombe 1956).
    a, b = before.new_bad + 0.5, before.new - before.new_bad + 0.5
    c, d = before.old_bad + 0.5, before.old - before.old_bad + 0.5
    return math.log(a * d / (b * c)) > _Z_WORSE * math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
