"""What a color is held to by itself."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from typing import Final

from proxy.traffic.judge.ceiling import Ceiling, LastingCeiling
from proxy.traffic.judge.checks import FLOOR, MEDIAN, TAIL, Count, slowed
from proxy.traffic.judge.effect import excused, wilson
from proxy.traffic.judge.latency import quantile
from proxy.traffic.judge.names import Name, Sides
from proxy.traffic.judge.tallies import erroneous, failed, slower, table
from proxy.traffic.judge.words import duration, percent
from proxy.traffic.judgement import JudgeRule, Sample, Tally

_SLOW: Final = 0.01
"""So many may take longer than p99."""

_FEWEST: Final = {MEDIAN: 20, TAIL: 200}
"""With fewer answers a quantile is a guess."""

_Z_BASELINE: Final = 2.5
"""Standard errors within which the old color may really have been worse than it was seen to be."""


def absolute(
    rule: JudgeRule, bounds: Sequence[float], new: Name, before: Tally, *, alone: bool = False
) -> list[Ceiling]:
    """The limits of the rule, less those that the live color exceeded ``before`` it all began.

    ``alone``: whether nobody has traffic beside the new one who would share its trouble.
    """
    found: list[Ceiling] = []
    if rule.max_errors is not None:
        words = f"{new.does('answers', 'answer')} {{share}} with 5xx, above the limit of {percent(rule.max_errors)}"
        if not _over(erroneous, before, rule.max_errors):
            found.append(Ceiling(erroneous, words, rule.max_errors))
    if rule.max_latency is not None:
        count, reached = beyond(bounds, rule.max_latency)
        words = f"{{share}} of {new.whose} answers take longer than {duration(reached)}, "
        words += f"{new.their} p99 is above the limit"
        if not _over(count, before, _SLOW):
            found.append((LastingCeiling if alone else Ceiling)(count, words, _SLOW))
    return found


def relative(rule: JudgeRule, bounds: Sequence[float], sides: Sides, baseline: Tally, before: Sample) -> list[Ceiling]:
    """What the old one did when it had traffic, and as much on top as the rule allows, or as there was ``before``."""
    new, old = sides.new, sides.old
    found: list[Ceiling] = []
    for count, words in (
        (erroneous, f"{new.does('answers', 'answer')} {{share}} with 5xx against the {{was}} that {old} had"),
        (failed, f"{{share}} of {new.whose} attempts fail against the {{was}} of {old}"),
    ):
        total, bad = count(baseline)
        if total:
            limit = wilson(bad / total, total, _Z_BASELINE) + rule.errors
            limit += excused(table(count(before.new), count(before.old)))
            found.append(Ceiling(count, words.replace("{was}", percent(bad / total)), limit))
    if len(baseline.latency) != len(bounds) + 1:
        return found  # kept by a version with other buckets
    for slowness, fewest in _FEWEST.items():
        if sum(baseline.latency) >= fewest:
            typical = quantile(bounds, baseline.latency, slowness.quantile)
            factor = rule.latency * slowed(before, bounds, slowness.quantile)
            longest, reached = beyond(bounds, max(typical * factor, typical + FLOOR))
            words = f"{{share}} of {new.whose} answers take longer than {duration(reached)}; "
            words += f"{old.whose} {slowness.name} was "
            limit = max(1 - slowness.quantile, _share(longest, baseline))
            found.append(LastingCeiling(longest, words + duration(typical), limit))
    return found


def beyond(bounds: Sequence[float], seconds: float) -> tuple[Count, float]:
    """What counts the answers that took longer than the first bound from ``seconds`` on, and that bound."""
    index = min(bisect_left(bounds, seconds), len(bounds) - 1)
    return partial(slower, bound=index), bounds[index]


def _over(count: Count, tally: Tally, limit: float) -> bool:
    return _share(count, tally) > limit


def _share(count: Count, tally: Tally) -> float:
    total, bad = count(tally)
    return bad / total if total else 0.0
