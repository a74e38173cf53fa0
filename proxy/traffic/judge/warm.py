"""The judge for the time after: the new color has all the traffic, and the old one waits to have it back."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.traffic.judge.limits import absolute, relative
from proxy.traffic.judge.names import Sides
from proxy.traffic.judge.tallies import together
from proxy.traffic.judge.verdicts import Bench, Complaint
from proxy.traffic.judgement import Finding, JudgeRule, Sample, Tally, Verdict


class WarmJudge:
    """Compares a color with what the other one did before; where that is not known only absolute limits are left.

    There is nothing to compare with in the same seconds, so it has to exceed what the old color did, as far as that is
    known, by more than the rule allows, and that for sure. Trouble that would have hit the old color as well is held
    against the new one all the same.
    """

    __slots__ = ("_bench", "_ceilings", "_seen", "_sides")

    def __init__(
        self,
        rule: JudgeRule,
        bounds: Sequence[float],
        *,
        sides: Sides,
        baseline: Tally | None = None,
        before: Sample | None = None,
    ) -> None:
        """Begin.

        Arguments:
            bounds: upper bounds, in seconds, of the buckets of ``Tally.latency``, which has one more.
            sides: who has the traffic, and who had it.
            baseline: what ``Judge.baseline`` gave.
            before: what that judge was given, if it is still known.
        """
        known = baseline or Tally()
        self._sides, self._seen = sides, 0
        self._ceilings = absolute(rule, bounds, sides.new, known, alone=True)
        self._ceilings += relative(rule, bounds, sides, known, before or Sample(Tally(), Tally()))
        self._bench = Bench(rule, len(self._ceilings))

    def observe(self, sample: Sample) -> None:
        """Take in what happened in a fraction of a second; routes have no baseline of their own and are left out.

        So is what the old color does: its last few requests would excuse anything, for so few prove nothing.
        """
        if sample.route:
            return
        new = together(sample.new, Tally())
        self._seen += new.requests
        for ceiling in self._ceilings:
            ceiling.add(Tally(), new)

    def worst(self) -> Complaint | None:
        """The gravest complaint, if there is one: a verdict of fail, for less than the price of a verdict."""
        return self._bench.complaint(self._ceilings, self._seen)

    def verdict(self) -> Verdict:
        """What can be said by now."""
        worst = self.worst()
        if worst is not None:
            return Verdict(Finding.FAIL, worst.words, self._seen)
        if not self._ceilings:
            words = f"nothing is known that {self._sides.new} could be compared with"
            return Verdict(Finding.INCONCLUSIVE, words, self._seen)
        pending = self._bench.open(self._ceilings, self._seen, self._sides)
        if self._seen >= self._bench.min_requests:
            pending = self._bench.doubt(self._ceilings, self._seen) or pending
        if pending is not None:
            return pending
        verb, was = self._sides.new.does("is", "are"), self._sides.old.does("was", "were")
        words = f"{verb} no worse than {was}, after {self._seen:,} requests"
        return Verdict(Finding.PASS, words, self._seen)
