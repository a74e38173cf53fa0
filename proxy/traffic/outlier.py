"""When real requests, rather than probes, show an upstream to be bad, and when it may be taken out for it."""

from __future__ import annotations

from typing import Final

from proxy.traffic.model import Health, Pool
from proxy.traffic.retry import Failure, Fault
from proxy.traffic.spec import OutlierRule

_BAD_STATUSES: Final = frozenset({502, 503, 504})

_STANDING: Final = {Health.UNHEALTHY: 0, Health.UNKNOWN: 1, Health.HEALTHY: 2}


class ErrorStreak:
    """A worker's count of one upstream's errors in a row."""

    __slots__ = ("_streak", "limit")

    def __init__(self, consecutive_errors: int) -> None:
        self.limit = consecutive_errors
        """How many errors in a row are too many."""
        self._streak = 0

    def record(self, ok: bool) -> bool:
        """Whether this result has just completed a row of ``consecutive_errors``; if so, counting begins anew."""
        if ok:
            self._streak = 0
            return False
        self._streak += 1
        if self._streak < self.limit:
            return False
        self._streak = 0
        return True


def counts_as_error(result: int | Failure) -> bool:
    """Whether an upstream's answer (its status code), or the failure to get one, counts against it.

    502, 503 and 504 do: they say that a server is not in a state to serve. A 500 does not: it is as likely the fault
    of one request as of the server, and whoever sends that request could take out one upstream after another.
    """
    if isinstance(result, Failure):
        return result.fault is Fault.UPSTREAM
    return result in _BAD_STATUSES


def may_eject(pool: Pool, address: str, rule: OutlierRule) -> bool:
    """Whether an upstream may be taken out for its errors.

    Only upstreams that the operator wants count. One that is out already, or is not in the pool, is not taken out.
    Another whose health is no worse must remain, so the last fit one always stays. And no more may be out at a time
    than ``max_ejected`` of them, rounded down, but at least one where there are two or more; a share of 0 is none.
    """
    wanted = {upstream.address: upstream for upstream in pool if upstream.wanted}
    accused = wanted.pop(address, None)
    if accused is None or accused.ejected:
        return False
    remaining = [upstream for upstream in wanted.values() if not upstream.ejected]
    # Without active checks everyone's health is unknown; compared with each other they are still as good as healthy.
    if not any(_STANDING[upstream.health] >= _STANDING[accused.health] for upstream in remaining):
        return False
    return len(wanted) - len(remaining) < _most_out(len(wanted) + 1, rule)


def ejection_until(now: float, rule: OutlierRule) -> float:
    """When an upstream that is taken out now comes back, in seconds of the clock that ``now`` was read from."""
    return now + rule.eject_for


def _most_out(wanted: int, rule: OutlierRule) -> int:
    if rule.max_ejected <= 0 or wanted < 2:
        return 0
    # 0.29 * 100 is a little less than 29, and 29 % of 100 are meant to be 29.
    return max(1, int(wanted * rule.max_ejected + 1e-9))
