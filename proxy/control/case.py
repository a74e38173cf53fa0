"""The evidence about one operation: what both sides did since it began, shown to a judge stretch by stretch."""

from __future__ import annotations

from dataclasses import replace

from proxy.control.comparison import Comparison
from proxy.control.fleet import Fleet
from proxy.control.tallies import less
from proxy.shm.names import BUCKETS
from proxy.traffic.judge.judge import Judge
from proxy.traffic.judge.tallies import together
from proxy.traffic.judge.warm import WarmJudge
from proxy.traffic.judgement import Sample, Tally, Verdict
from proxy.traffic.model import Service, State


class Case:
    """The evidence about one operation."""

    def __init__(
        self,
        fleet: Fleet,
        service: Service,
        comparison: Comparison,
        before: Sample | None,
        baseline: Tally | None,
        *,
        over: bool,
    ) -> None:
        """Open it now.

        Args:
            fleet: whose meters are read.
            service: as it is now; its rule holds for as long as the case is open.
            comparison: who is judged, and against whom.
            before: what both did before the operation began, if that is known.
            baseline: what is known already of the old side, besides what it does from now on.
            over: whether the new side may be the only one that is left already.
        """
        rule = service.spec.judge
        self.comparison = comparison
        self.closed = False
        """Whether what the judge said was carried out, or cannot be."""
        self.stuck = False
        """Whether it could not be carried out yet because the old color has no healthy upstream."""
        self.failing = False
        """Whether it was tried in vain already: that is logged once."""
        self._rule = replace(rule, routes=comparison.routes(rule))
        self._fleet = fleet
        self._before = before
        self._baseline = baseline
        self._judge = Judge(self._rule, BUCKETS, sides=comparison.sides, before=before)
        self._warm = self._warmed(baseline) if over and comparison.alone(service) else None
        self._last = self._counts()

    def look(self, state: State) -> None:
        """Take in what both sides did since the last look."""
        service = state.services.get(self.comparison.service)
        if service is None:
            return
        if self._warm is None and self.comparison.alone(service):
            self._warm = self._warmed(self.baseline())
        counts, last = self._counts(), self._last
        self._last = counts
        for route, (old, new) in counts.items():
            sample = Sample(less(old, last[route][0]), less(new, last[route][1]), route)
            (self._warm or self._judge).observe(sample)

    def _warmed(self, baseline: Tally | None) -> WarmJudge:
        return WarmJudge(self._rule, BUCKETS, sides=self.comparison.former, baseline=baseline, before=self._before)

    def verdict(self) -> Verdict:
        """What it comes to so far."""
        return (self._warm or self._judge).verdict()

    def baseline(self) -> Tally:
        """What the old side has done."""
        return together(self._baseline or Tally(), self._judge.baseline())

    def _counts(self) -> dict[str, tuple[Tally, Tally]]:
        return self.comparison.read(self._fleet.totals, self._rule.routes)
