"""What came of the requests around switches: which failed, and which were answered by a color that was gone."""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.peers.asking import Asked


@dataclass(frozen=True, slots=True)
class Switched:
    """One switch, as the one who asked for it saw it. Times are ``CLOCK_MONOTONIC``."""

    color: str
    begun: float
    returned: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a series of switches did to the requests of its time."""

    switches: int
    requests: int
    failures: dict[str, int]
    """By how they failed."""
    judged: int
    """Requests that lie wholly between the return of one switch and the begin of the next."""
    stale: int
    """Of these, how many were answered by the old color."""
    stale_for: float
    """How long after a switch had returned the last of these was sent, in seconds."""
    call_median: float
    """Seconds from the begin of a switch to its return."""
    call_max: float

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return sum(self.failures.values())


def judge(asked: Sequence[Asked], switches: Sequence[Switched]) -> Verdict:
    """Hold the requests against the switches, which are in the order of time."""
    returns = [switch.returned for switch in switches]
    ends = [*(switch.begun for switch in switches[1:]), float("inf")]
    judged, late = 0, []
    for each in asked:
        last = bisect_right(returns, each.sent) - 1
        if last < 0 or each.failure or each.over >= ends[last]:
            continue
        judged += 1
        if each.color != switches[last].color:
            late.append(each.sent - returns[last])
    calls = [switch.returned - switch.begun for switch in switches]
    failures = Counter(each.failure for each in asked if each.failure)
    return Verdict(
        switches=len(switches),
        requests=len(asked),
        failures=dict(failures),
        judged=judged,
        stale=len(late),
        stale_for=max(late, default=0.0),
        call_median=statistics.median(calls),
        call_max=max(calls),
    )
