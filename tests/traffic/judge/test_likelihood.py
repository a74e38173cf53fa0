from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.judge.likelihood import ODDS, Table, binomial, hypergeometric, log_normalizer
from proxy.traffic.judge.tallies import failed, table
from proxy.traffic.judgement import Tally

SMALL = st.integers(1, 30)


def lots(new: int, old: int, bad: int) -> dict[int, Fraction]:
    """How likely each number of bad ones at the new color is, if they fall like lots."""
    total = math.comb(new + old, bad)
    return {
        k: Fraction(math.comb(new, k) * math.comb(old, bad - k), total)
        for k in range(max(0, bad - old), min(bad, new) + 1)
    }


@given(new=SMALL, old=SMALL, data=st.data(), psi=st.sampled_from((0.5, *ODDS, 40_000.0)))
def test_the_normalizer_is_that_of_brute_force(new: int, old: int, data: st.DataObject, psi: float) -> None:
    """Beginning at the largest term and ending where nothing is added gives the whole sum."""
    bad = data.draw(st.integers(0, new + old))
    exact = sum(float(share) * psi**k for k, share in lots(new, old, bad).items())
    assert log_normalizer(Table(new, 0, old, bad), math.log(psi)) == pytest.approx(math.log(exact), abs=1e-9)


@given(new=SMALL, old=SMALL, data=st.data())
def test_the_ratios_have_the_expectation_one(new: int, old: int, data: st.DataObject) -> None:
    """Summed over all that can happen if there is no difference: nobody can expect to win."""
    bad = data.draw(st.integers(0, new + old))
    expectations = [0.0] * len(ODDS)
    for k, share in lots(new, old, bad).items():
        for size, ratio in enumerate(hypergeometric(Table(new, k, old, bad - k))):
            expectations[size] += float(share) * math.exp(ratio)
    assert expectations == pytest.approx([1.0] * len(ODDS), rel=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.03])
def test_one_color_below_its_limit_cannot_be_expected_to_win(share: float) -> None:
    """The expectation is one at the limit and less below it, whatever the odds that are looked for."""
    limit, count = 0.03, 40
    chances = [math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(count + 1)]
    for size in range(len(ODDS)):
        expectation = sum(chance * math.exp(binomial(count, k, limit)[size]) for k, chance in enumerate(chances))
        assert expectation <= 1 + 1e-9
        assert (expectation > 1 - 1e-9) == (share == limit)


@pytest.mark.parametrize("refused", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("retried", [False, True])
def test_failed_attempts_are_counted_carefully(refused: float, retried: bool) -> None:
    """How many attempts there were is not known exactly; the expectation stays at one or below all the same."""

    def failures(requests: int) -> dict[int, float]:
        """How likely so many failures of so many requests are, each made once or at most twice."""
        once = {0: 1 - refused, 1: refused * (1 - refused), 2: refused**2} if retried else {0: 1 - refused, 1: refused}
        chances = {0: 1.0}
        for _ in range(requests):
            added: dict[int, float] = {}
            for count, chance in chances.items():
                for more, share in once.items():
                    added[count + more] = added.get(count + more, 0.0) + chance * share
            chances = added
        return chances

    new, old, expectations = 5, 11, [0.0] * len(ODDS)
    for k, chance in failures(new).items():
        for other, share in failures(old).items():
            stretch = table(failed(Tally(new, 0, k)), failed(Tally(old, 0, other)))
            for size, ratio in enumerate(hypergeometric(stretch)):
                expectations[size] += chance * share * math.exp(ratio)
    assert max(expectations) <= 1 + 1e-9


def test_thousands_of_errors_are_no_trouble() -> None:
    """Numbers far beyond what a power or a factorial could hold have a ratio, and the right one is the largest."""
    ratios = hypergeometric(Table(100_000, 20_000, 900_000, 99_000))
    assert all(math.isfinite(ratio) for ratio in ratios)
    assert ODDS[ratios.index(max(ratios))] == 2.0
