"""What is compared with what: one color with the other, or updated servers of a pool with the others."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.control.tallies import read_cohort, read_tally
from proxy.shm.totals import MeterTotals
from proxy.traffic.judge.names import COHORTS, FORMER, Sides, colors
from proxy.traffic.judgement import JudgeRule, Tally
from proxy.traffic.model import FULL_SPLIT, Cohort, Service
from proxy.traffic.spec import Color

Counts = dict[str, tuple[Tally, Tally]]
"""By route, with ``""`` for everything: what the old side and the new one have done since the program began."""


@dataclass(frozen=True, slots=True)
class Colors:
    """Two colors of a service."""

    service: str
    new: Color
    """The one that is judged."""

    @property
    def sides(self) -> Sides:
        """What they are called."""
        return colors(self.new)

    @property
    def former(self) -> Sides:
        """What they are called once only the new one has traffic."""
        return self.sides

    def routes(self, rule: JudgeRule) -> tuple[str, ...]:
        """The paths that are compared by themselves."""
        return rule.routes

    def alone(self, service: Service) -> bool:
        """Whether only the new one has traffic."""
        return service.share(self.new) == FULL_SPLIT

    def read(self, totals: MeterTotals, routes: tuple[str, ...]) -> Counts:
        """What both have done."""
        return {
            route: (
                read_tally(totals, self.service, self.new.other, route),
                read_tally(totals, self.service, self.new, route),
            )
            for route in ("", *routes)
        }


@dataclass(frozen=True, slots=True)
class Cohorts:
    """Servers of one pool: those that a rollout has updated, and those that it has not."""

    service: str
    color: Color

    @property
    def sides(self) -> Sides:
        """What they are called."""
        return COHORTS

    @property
    def former(self) -> Sides:
        """What they are called once no old one serves."""
        return FORMER

    def routes(self, rule: JudgeRule) -> tuple[str, ...]:
        """None: what happens below a path is counted by color."""
        return ()

    def alone(self, service: Service) -> bool:
        """Whether every old one is out. One that is unhealthy for a while may come back, and is not."""
        return not any(each.wanted and each.cohort is Cohort.OLD for each in service.pool(self.color))

    def read(self, totals: MeterTotals, routes: tuple[str, ...]) -> Counts:
        """What both have done."""
        old, new = (read_cohort(totals, self.service, self.color, cohort) for cohort in (Cohort.OLD, Cohort.UPDATED))
        return {"": (old, new)}


Comparison = Colors | Cohorts
