"""The receipt of a rollout: what all its batches did to requests together."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from proxy.traffic.model import Receipt

_SUMS: Final = ("in_flight_at_flip", "finished_on_old", "retried", "cut_by_proxy", "cut_by_client", "failed", "dropped")


def added(whole: Receipt, batch: Receipt) -> Receipt:
    """The receipt with one more batch in it: numbers are summed, of times the first, the longest, the last are kept."""
    sums = {name: getattr(whole, name) + getattr(batch, name) for name in _SUMS}
    return replace(
        whole,
        **sums,
        applied_at=whole.applied_at if whole.applied_at is not None else batch.applied_at,
        spread_ms=_longest(whole.spread_ms, batch.spread_ms),
        longest_ms=_longest(whole.longest_ms, batch.longest_ms),
        drained_at=batch.drained_at if batch.drained_at is not None else whole.drained_at,
    )


def _longest(one: float | None, other: float | None) -> float | None:
    known = [each for each in (one, other) if each is not None]
    return max(known, default=None)
