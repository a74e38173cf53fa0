"""What the judge of a new color is shown: the meters of one color as one tally, without those of testers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from proxy.shm.names import COHORT_SERIES, HISTOGRAM_CELLS, PREVIEW_SERIES, ROUTE_SERIES, Series
from proxy.shm.totals import MeterTotals
from proxy.traffic.headcount import headcount
from proxy.traffic.judgement import Tally
from proxy.traffic.model import Cohort
from proxy.traffic.spec import Color

_BUCKETS: Final = HISTOGRAM_CELLS - 1
_NONE: Final = (0,) * HISTOGRAM_CELLS


def read_tally(totals: MeterTotals, service: str, color: Color, route: str = "") -> Tally:
    """What a color has done since the program began, below the path ``route`` or, with ``""``, altogether."""
    key = (service, color.value)
    if route:
        return _by_itself(totals, ROUTE_SERIES, *key, route)
    testers = _by_itself(totals, PREVIEW_SERIES, *key)  # before the whole of which they are a part
    return less(
        Tally(
            requests=sum(_buckets(totals, Series.DURATION, *key)),
            errors=totals.total(Series.ERRORS, *key),
            failures=totals.total(Series.FAILURES, *key),
            latency=_buckets(totals, Series.UPSTREAM_DURATION, *key),
        ),
        testers,
    )


def read_cohort(totals: MeterTotals, service: str, color: Color, cohort: Cohort) -> Tally:
    """What the servers of a pool have done while they were on one side of a comparison."""
    return _by_itself(totals, COHORT_SERIES, service, color.value, cohort.value)


def read_errors(totals: MeterTotals, service: str, color: Color) -> int:
    """The same as the errors of :func:`read_tally` by itself."""
    key = (service, color.value)
    testers = totals.total(Series.PREVIEW_ERRORS, *key)
    return max(0, totals.total(Series.ERRORS, *key) - testers)


SESSION: Final = 1800.0
"""Seconds after which a user who did not come any more is taken to have left."""


def settled_users(totals: MeterTotals, service: str, now: float, within: float = SESSION) -> int:
    """About how many users who stay on the old color for as long as their session lasts came in the last seconds.

    ``now`` is in Unix seconds. Whoever did not come for ``within`` seconds is taken to have left.
    """
    return headcount(totals.values(Series.SETTLED, service), now, within)


def less(later: Tally, earlier: Tally) -> Tally:
    """What a color did between two tallies of it, or without a part of it. Nothing is ever less than none.

    Numbers that a busy worker counts one after the other are read one after the other too: a request at the border
    may show in one of them already.
    """
    return Tally(
        requests=max(0, later.requests - earlier.requests),
        errors=max(0, later.errors - earlier.errors),
        failures=max(0, later.failures - earlier.failures),
        latency=tuple(max(0, a - b) for a, b in zip_longest(later.latency, earlier.latency, fillvalue=0)),
    )


def _by_itself(totals: MeterTotals, series: Sequence[Series], *key: str) -> Tally:
    requests, errors, failures, duration = series
    return Tally(
        requests=totals.total(requests, *key),
        errors=totals.total(errors, *key),
        failures=totals.total(failures, *key),
        latency=_buckets(totals, duration, *key),
    )


def _buckets(totals: MeterTotals, *name: str) -> tuple[int, ...]:
    return (totals.values(*name) or _NONE)[:_BUCKETS]
