"""The names under which workers count and the supervisor reads: the one place where both agree.

A name is a tuple of strings, the series first and its labels after it. No label holds anything a client can invent.
"""

from __future__ import annotations

import enum
from typing import Final

Name = tuple[str, ...]

# fmt: off
BUCKETS: Final[tuple[float, ...]] = (
    0.00025, 0.000315, 0.0004, 0.0005, 0.00063, 0.0008,
    0.001, 0.00125, 0.0016, 0.002, 0.0025, 0.00315, 0.004, 0.005, 0.0063, 0.008,
    0.01, 0.0125, 0.016, 0.02, 0.025, 0.0315, 0.04, 0.05, 0.063, 0.08,
    0.1, 0.125, 0.16, 0.2, 0.25, 0.315, 0.4, 0.5, 0.63, 0.8,
    1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0,
    10.0, 12.5, 16.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0,
)
# fmt: on
"""Upper bounds of the latency histograms, in seconds. A block has one cell each, one for the rest, one for the sum.

Ten to a decade (the preferred numbers of ISO 3), fine enough to tell one color's quantiles from the other's.
"""

SHOWN_BUCKETS: Final[tuple[float, ...]] = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
)
"""Those of the bounds that ``/metrics`` shows: each is a series for each color."""

HISTOGRAM_CELLS: Final = len(BUCKETS) + 2
"""Cells of one histogram block."""


class Series(enum.StrEnum):
    """First part of every name. Gauges fall with their worker; counters outlive it."""

    IN_FLIGHT = "in_flight"  # service, color: requests (gauge)
    TUNNELS = "tunnels"  # service, color: upgraded connections and event streams (gauge)
    UPSTREAM_IN_FLIGHT = "upstream_in_flight"  # service, color, address: requests and tunnels (gauge)
    UPSTREAM_TUNNELS = "upstream_tunnels"  # service, color, address: of these, tunnels and event streams (gauge)
    OPEN_CONNECTIONS = "open_connections"  # client connections (gauge)
    HELD = "held"  # service: requests that are parked (gauge)
    ACCEPT_PAUSED = "accept_paused"  # reason: 1 while the worker accepts nobody (gauge)

    SPANS_LOST = "spans_lost"  # requests that were to be exported as spans, thrown away in the worker
    CONNECTIONS = "connections"  # client connections accepted
    ACCEPT_PAUSES = "accept_pauses"  # reason: how often accepting had to pause
    ADMITTED = "admitted"  # service, color: leases opened; admitted less ended is what is in flight, tunnels included
    ENDED = "ended"  # service, color, outcome: leases closed
    REQUESTS = "requests"  # service, color, code, method: answered, whoever made the answer
    ERRORS = "errors"  # service, color: of these, with 5xx
    FAILURES = "failures"  # service, color: attempts that an upstream let down
    DURATION = "duration"  # service, color: histogram block, head complete to last byte
    UPSTREAM_REQUESTS = "upstream_requests"  # service, color, address, code: answered by an upstream
    UPSTREAM_DURATION = "upstream_duration"  # service, color: histogram block, request sent to head received
    UPSTREAM_FAILURES = "upstream_failures"  # service, color, address, reason
    RETRIES = "retries"  # service, color, reason
    RECEIVED_BYTES = "received_bytes"  # service, color: from clients, heads and bodies
    SENT_BYTES = "sent_bytes"  # service, color: to clients, heads and bodies
    HELD_TOTAL = "held_total"  # service: requests that came while they were held
    HELD_REFUSED = "held_refused"  # service: of these, answered with 503 because of a bound of the hold
    REJECTED = "rejected"  # reason: answered by the proxy itself before any color was chosen
    DROPPED = "dropped"  # service, color, reason: lost by the proxy's own fault
    # What testers asked for is in the series above as well. First bytes: request sent to head received.
    PREVIEW_REQUESTS = "preview_requests"  # service, color
    PREVIEW_ERRORS = "preview_errors"  # service, color
    PREVIEW_FAILURES = "preview_failures"  # service, color
    PREVIEW_DURATION = "preview_duration"  # service, color: histogram block, to the first byte
    # Requests below a path that is counted by itself; those of testers are left out.
    ROUTE_REQUESTS = "route_requests"  # service, color, route
    ROUTE_ERRORS = "route_errors"  # service, color, route
    ROUTE_FAILURES = "route_failures"  # service, color, route
    ROUTE_DURATION = "route_duration"  # service, color, route: histogram block, to the first byte
    # Requests by which servers of a pool answered them, updated ones or others; those of testers are left out.
    COHORT_REQUESTS = "cohort_requests"  # service, color, cohort
    COHORT_ERRORS = "cohort_errors"  # service, color, cohort
    COHORT_FAILURES = "cohort_failures"  # service, color, cohort
    COHORT_DURATION = "cohort_duration"  # service, color, cohort: histogram block, to the first byte
    SETTLED = "settled"  # service: block of Unix minutes, one for each of many users, of their last visit
    LOG_LINES_LOST = "log_lines_lost"  # access log lines thrown away because the disk was too slow


PREVIEW_SERIES: Final = (
    Series.PREVIEW_REQUESTS,
    Series.PREVIEW_ERRORS,
    Series.PREVIEW_FAILURES,
    Series.PREVIEW_DURATION,
)
"""What is counted of testers: requests, errors, failures, times to the first byte."""

ROUTE_SERIES: Final = (Series.ROUTE_REQUESTS, Series.ROUTE_ERRORS, Series.ROUTE_FAILURES, Series.ROUTE_DURATION)
"""The same of requests below a path that is counted by itself."""

COHORT_SERIES: Final = (
    Series.COHORT_REQUESTS,
    Series.COHORT_ERRORS,
    Series.COHORT_FAILURES,
    Series.COHORT_DURATION,
)
"""The same of servers of one pool that are compared with others of it."""


GAUGES: Final = frozenset(
    {
        Series.IN_FLIGHT,
        Series.TUNNELS,
        Series.UPSTREAM_IN_FLIGHT,
        Series.UPSTREAM_TUNNELS,
        Series.OPEN_CONNECTIONS,
        Series.HELD,
        Series.ACCEPT_PAUSED,
    }
)
"""What is true only while its worker lives."""


LATEST: Final = frozenset({Series.SETTLED})
"""Series of moments: of several workers' the latest counts, and not the sum."""

SETTLED_CELLS: Final = 8192
"""Cells in which users who stay on the old color are counted."""


class PauseReason(enum.StrEnum):
    """What a worker has too little of to accept another client."""

    CONNECTIONS = "connections"
    """Its share of ``limits.max_connections``."""
    DESCRIPTORS = "descriptors"
    """What the operating system lets it have open at the same time."""


class Outcome(enum.StrEnum):
    """How a lease ended; exactly one for each."""

    FINISHED = "finished"
    """The upstream's whole answer was handed on."""
    FAILED = "failed"
    """The upstream refused, hung, broke its answer off, or broke the rules."""
    CUT_BY_CLIENT = "cut_by_client"
    CUT_BY_PROXY = "cut_by_proxy"
    """A deadline of ours ended it: a drain or the stop of the program."""
