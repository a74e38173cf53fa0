"""The evidence about one operation: what both colors did since it began, shown to a judge stretch by stretch."""

from __future__ import annotations

from proxy.control.fleet import Fleet
from proxy.control.tallies import less, read_tally
from proxy.shm.names import BUCKETS
from proxy.traffic.judge.judge import Judge
from proxy.traffic.judge.names import colors
from proxy.traffic.judge.warm import WarmJudge
from proxy.traffic.judgement import Sample, Tally, Verdict
from proxy.traffic.model import FULL_SPLIT, Service, State
from proxy.traffic.spec import Color


class Case:
    """The evidence about one operation."""

    def __init__(
        self,
        fleet: Fleet,
        service: Service,
        new: Color,
        before: Sample | None,
        baseline: Tally | None,
        *,
        warm: bool,
    ) -> None:
        """Open it now.

        Args:
            fleet: whose meters are read.
            service: as it is now; its rule holds for as long as the case is open.
            new: the color that is judged.
            before: what both colors did before the operation began, if that is known.
            baseline: what the old color did during a shift that is through.
            warm: whether the shift is through.
        """
        rule = service.spec.judge
        self.service = service.name
        self.closed = False
        """Whether what the judge said was carried out, or cannot be."""
        self.stuck = False
        """Whether it could not be carried out yet because the old color has no healthy upstream."""
        self.failing = False
        """Whether it was tried in vain already: that is logged once."""
        self._rule = rule
        self._fleet = fleet
        self.new = new
        self._before = before
        self._judge = Judge(rule, BUCKETS, sides=colors(new), before=before)
        self._warm = self._warmed(baseline) if warm and _alone(service, new) else None
        self._last = self._counts()

    def look(self, state: State) -> None:
        """Take in what both colors did since the last look."""
        service = state.services.get(self.service)
        if service is None:
            return
        if self._warm is None and _alone(service, self.new):
            self._warm = self._warmed(self._judge.baseline())
        counts, last = self._counts(), self._last
        self._last = counts
        for route, (old, new) in counts.items():
            sample = Sample(less(old, last[route][0]), less(new, last[route][1]), route)
            (self._warm or self._judge).observe(sample)

    def _warmed(self, baseline: Tally | None) -> WarmJudge:
        return WarmJudge(self._rule, BUCKETS, sides=colors(self.new), baseline=baseline, before=self._before)

    def verdict(self) -> Verdict:
        """What it comes to so far."""
        return (self._warm or self._judge).verdict()

    def baseline(self) -> Tally:
        """What the old color has done."""
        return self._judge.baseline()

    def _counts(self) -> dict[str, tuple[Tally, Tally]]:
        totals = self._fleet.totals
        return {
            route: (
                read_tally(totals, self.service, self.new.other, route),
                read_tally(totals, self.service, self.new, route),
            )
            for route in ("", *self._rule.routes)
        }


def _alone(service: Service, color: Color) -> bool:
    return service.share(color) == FULL_SPLIT
