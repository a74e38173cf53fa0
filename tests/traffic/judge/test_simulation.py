"""A small part of ``benchmarks/simulate_judge.py``, which has the figures of many more."""

from __future__ import annotations

import math
from random import Random

import pytest

from benchmarks.simulate_judge import NORMAL, Regression, false_alarm, trial
from benchmarks.simulated import ALONE, BEFORE, PATTERNS, Behavior, latencies, samples

WORSE = {
    "5 % of errors": Behavior(0.051, 0.0, NORMAL),
    "20 % of errors": Behavior(0.201, 0.0, NORMAL),
    "nothing but errors": Behavior(1.0, 0.0, NORMAL),
    "all twice as slow": Behavior(0.001, 0.0, latencies(slow=2.0)),
    "slowest 5 % thrice as slow": Behavior(0.001, 0.0, latencies(slow=3.0, tail=0.05)),
    "refused and retried": Behavior(0.001, 0.1, NORMAL),
    "all refused": Behavior(0.001, 1.0, NORMAL),
}


@pytest.mark.parametrize("pattern", [name for name in PATTERNS if name not in (BEFORE, *ALONE)])
def test_colors_that_are_alike_raise_no_alarm(pattern: str) -> None:
    """15 shifts of each pattern, looked at after each sample: one in a thousand may, so none of these does."""
    few = 3 if pattern.startswith("3 requests") else 15
    assert [seed for seed in range(few) if false_alarm(pattern, seed)[0]] == []


@pytest.mark.parametrize("pattern", [BEFORE, *ALONE])
def test_what_was_before_and_what_is_after_raise_none_either(pattern: str) -> None:
    """A color that is as bad as it was; and one that goes on as the other did."""
    assert [seed for seed in range(10) if false_alarm(pattern, seed)[0]] == []


@pytest.mark.parametrize("worse", WORSE)
def test_a_regression_is_found_within_a_bound(worse: str) -> None:
    """At 500 requests a second, a tenth of them to the new color: within 10 seconds of the first request."""
    regression = Regression(worse, Behavior(0.001, 0.0, NORMAL), WORSE[worse])
    for seed in range(3):
        found = trial(regression, 500, seed)
        assert found.found
        assert found.seconds <= 10.0
        assert found.requests <= 600


def test_the_patterns_would_deceive_a_judge_that_adds_up() -> None:
    """Sums over the whole shift, compared in the way of textbooks, raise alarms: so the tests above have teeth."""
    alarms = 0
    for seed in range(20):
        random = Random(seed)
        counts = [0, 0, 0, 0]
        for sample in samples(random, PATTERNS["errors grow or shrink with the share"](random)):
            one = (sample.new.errors, sample.new.requests, sample.old.errors, sample.old.requests)
            counts = [a + b for a, b in zip(counts, one, strict=True)]
        bad, new, old_bad, old = counts
        both = (bad + old_bad) / (new + old)
        alarms += bad / new - old_bad / old > 4 * math.sqrt(both * (1 - both) * (1 / new + 1 / old))
    assert alarms > 5
