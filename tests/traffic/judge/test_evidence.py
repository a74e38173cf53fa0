from __future__ import annotations

import math
from itertools import product

import pytest

from proxy.traffic.judge.evidence import Evidence, log_of_sum


def test_the_mixture_has_an_expectation_of_at_most_one() -> None:
    """Over all ways in which seven fair coins can fall, betting on two sizes from every start wins nothing."""
    odds = (1.5, 4.0)
    total = highest = 0.0
    for coins in product((0, 1), repeat=7):
        evidence = Evidence(2, ())
        for coin in coins:
            evidence.add([math.log(2 / (1 + psi) * (psi if coin else 1)) for psi in odds], ())
        total += math.exp(evidence.log) / 2**7
        highest = max(highest, math.exp(evidence.log))
    assert 0.5 < total <= 1.0
    assert highest > 5.0


def test_it_has_no_memory_for_a_good_past() -> None:
    """What begins late is seen: ten thousand good stretches cost a constant, and not what they would have won."""
    evidence = Evidence(1, (0.0,))
    for stretch in range(10_000):
        evidence.add([-0.5], (float(stretch),))
    for stretch in range(10_000, 10_060):
        evidence.add([0.5], (float(stretch),))
    assert evidence.log > 12.0
    assert evidence.since == (10_000.0,)


def test_the_cheap_number_is_never_the_smaller_one() -> None:
    """What is asked first may say too much and never too little."""
    evidence = Evidence(2, ())
    for ratios in ([0.3, 1.0], [-2.0, -0.1], [1.0, 2.0], [0.1, -4.0], [2.0, 2.0]):
        evidence.add(ratios, ())
        assert evidence.log <= evidence.strongest


def test_no_evidence_is_nothing_and_much_is_no_overflow() -> None:
    """Logs stay logs."""
    evidence = Evidence(3, ())
    assert evidence.log == -math.inf
    evidence.add([5_000.0, 0.0, -5_000.0], ())
    assert evidence.log == pytest.approx(5_000.0, abs=3)
    assert log_of_sum([math.log(2), math.log(3)]) == pytest.approx(math.log(5))
