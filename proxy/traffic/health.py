"""What a row of probe results says of an upstream."""

from __future__ import annotations

from dataclasses import dataclass, replace

from proxy.traffic.model import Health
from proxy.traffic.spec import HealthCheck


@dataclass(frozen=True, slots=True)
class RiseFall:
    """A verdict that a single stray result cannot overturn.

    The first result ever decides at once; from then on ``fall`` bad ones in a row bring a healthy upstream down, and
    ``rise`` good ones in a row bring it up again.
    """

    rise: int
    fall: int
    health: Health = Health.UNKNOWN
    against: int = 0
    """Results in a row, up to the latest, that speak against the verdict."""

    def observe(self, ok: bool) -> RiseFall:
        """The verdict after one more result."""
        speaks_for = Health.HEALTHY if ok else Health.UNHEALTHY
        if self.health is speaks_for:
            return replace(self, against=0) if self.against else self
        needed = self.rise if ok else self.fall
        if self.health is Health.UNKNOWN or self.against + 1 >= needed:
            return replace(self, health=speaks_for, against=0)
        return replace(self, against=self.against + 1)


def expects(check: HealthCheck, status: int) -> bool:
    """Whether a probe that was answered with this status code is a good one."""
    return any(low <= status <= high for low, high in check.expect)
