"""From checks to a verdict: who speaks against the new color, and what is still open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proxy.traffic.judge.checks import Check
from proxy.traffic.judge.names import Sides
from proxy.traffic.judge.power import rounded
from proxy.traffic.judge.words import requests, sure
from proxy.traffic.judgement import Finding, JudgeRule, Verdict

_UNDER_WAY: Final = math.log(20)
"""With so much evidence a pass would be premature."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One check speaks against the new color."""

    log: float
    """The log of its evidence."""
    words: str


class Bench:
    """Reads evidence against the doubt that is allowed over all checks together."""

    __slots__ = ("_checks", "_limit", "_rule")

    def __init__(self, rule: JudgeRule, checks: int) -> None:
        """``checks`` share the doubt evenly."""
        self._rule, self._checks = rule, max(1, checks)
        self._limit = math.log(self._checks) - math.log(max(1e-12, 1 - rule.confidence))

    @property
    def min_requests(self) -> int:
        """Of the new color, before anything is said about it."""
        return self._rule.min_requests

    def complaint(self, checks: Sequence[Check], seen: int, where: str = "") -> Complaint | None:
        """What is worse for sure by more than is allowed, after ``seen`` requests of the new color."""
        if seen < self._rule.min_requests:
            return None
        found: Complaint | None = None
        for check in checks:
            harm = check.harm() if check.strongest >= self._limit and check.log >= self._limit else None
            if harm is not None and (found is None or check.log > found.log):
                certainty = sure(math.log(self._checks) - check.log)
                words = f"{harm}{where}; {certainty} sure after {requests(seen)}"
                found = Complaint(check.log, words)
        return found

    def doubt(self, checks: Sequence[Check], seen: int, where: str = "") -> Verdict | None:
        """What looks worse, and may still be chance."""
        for check in checks:
            if check.strongest < _UNDER_WAY or check.log < _UNDER_WAY:
                continue
            harm = check.harm()
            if harm is not None:
                more = rounded(max(1.0, seen * (self._limit / check.log - 1)))
                words = f"{harm}{where} so far; about {requests(more)} more to be sure"
                return Verdict(Finding.INCONCLUSIVE, words, seen, more)
        return None

    def open(self, checks: Sequence[Check], seen: int, sides: Sides) -> Verdict | None:
        """What cannot be told yet; ``None`` if everything can."""
        needs = sides.new.does("needs", "need")
        lacking = self._rule.min_requests - seen
        if lacking > 0:
            words = f"{seen:,} of {requests(self._rule.min_requests)} seen; {needs} about {lacking:,} more"
            return Verdict(Finding.INCONCLUSIVE, words, seen, lacking)
        longest = 0.0
        for check in checks:
            needed = check.needed(self._limit)
            if needed is None:
                words = f"{sides.old.does('has', 'have')} answered nothing that {sides.new} could be compared with"
                return Verdict(Finding.INCONCLUSIVE, words, seen)
            longest = max(longest, needed)
        if not longest:
            return None
        more = rounded(min(longest, 1e12))
        words = f"too early to tell after {requests(seen)}; {needs} about {more:,} more"
        return Verdict(Finding.INCONCLUSIVE, words, seen, more)
