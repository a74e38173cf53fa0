"""Whether and where a request is tried once more."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from proxy.dataplane.admission import Lease
from proxy.dataplane.routing import LiveUpstream
from proxy.traffic.retry import Failure, may_retry


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that failed. ``number`` counts from 1; what the other fields mean is told at :func:`may_retry`."""

    number: int
    method: bytes
    request_bytes_sent: bool
    response_bytes_seen: bool
    replayable: bool


def pick_another(
    lease: Lease, failure: Failure, attempt: Attempt, tried: Container[object], now: float
) -> LiveUpstream | None:
    """The upstream of the same color to try next, paid for from the service's budget; ``None`` if there is none."""
    service, picker = lease.service, lease.pool.picker
    allowed = may_retry(
        failure,
        method=attempt.method,
        request_bytes_sent=attempt.request_bytes_sent,
        response_bytes_seen=attempt.response_bytes_seen,
        replayable=attempt.replayable,
        attempt=attempt.number,
        rule=service.spec.retry,
    )
    other = picker.pick_other(tried) if allowed and picker is not None else None
    return other if other is not None and service.budget.withdraw(now) else None
