from __future__ import annotations

import math

import pytest

from proxy.traffic.judge.effect import Contrast, Shares, excused, wilson
from proxy.traffic.judge.latency import Past, Spread, nearest, quantile, share_beyond
from proxy.traffic.judge.likelihood import Table
from proxy.traffic.judgement import Tally

BOUNDS = (0.1, 0.2, 0.4)


def test_a_split_that_grows_with_the_errors_makes_no_difference() -> None:
    """Simpson's case: each stretch has equal shares, and the sums over both would say 4.6 % against 1.4 %."""
    sums = Shares()
    sums.add(Table(new=100, new_bad=1, old=900, old_bad=9))
    sums.add(Table(new=900, new_bad=45, old=100, old_bad=5))
    found = sums.since()
    assert found.new == pytest.approx(found.old)
    assert found.difference == pytest.approx(0.0)


def test_a_difference_is_the_one_of_mantel_and_haenszel() -> None:
    """By hand: weights 90 and 50, differences 0.1 and 0.02."""
    sums = Shares()
    sums.add(Table(new=100, new_bad=10, old=900, old_bad=0))
    mark = sums.mark
    sums.add(Table(new=100, new_bad=4, old=100, old_bad=2))
    sums.add(Table(new=5, new_bad=5, old=0, old_bad=0))
    assert sums.since().difference == pytest.approx((90 * 0.1 + 50 * 0.02) / 140)
    assert sums.since(mark) == Contrast(new=0.04, old=0.02, weight=50.0, count=100.0)
    assert sums.since(sums.mark).weight == 0


def test_bounds_of_shares() -> None:
    """Wilson's interval for 81 of 263, as published; nothing seen of nothing may be anything."""
    low, high = wilson(81 / 263, 263, -1.96), wilson(81 / 263, 263, 1.96)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert (wilson(0, 0, -2), wilson(0, 0, 2)) == (0.0, 1.0)


def test_the_bound_of_a_difference_is_that_of_newcombe() -> None:
    """56 of 70 against 48 of 80, as published: 0.0524 to 0.3339, two-sided with 95 %; ours is one-sided."""
    found = Contrast(new=56 / 70, old=48 / 80, weight=70 * 80 / 150, count=70)
    above = wilson(56 / 70, 70, 1.645) - 56 / 70
    below = 48 / 80 - wilson(48 / 80, 80, -1.645)
    assert found.highest == pytest.approx(0.2 + math.hypot(above, below))
    assert 0.29 < found.highest < 0.3339
    assert Contrast(0, 0, 0, 0).highest == 1.0


def test_only_what_was_worse_is_excused() -> None:
    """A color that was as good as the other before, or about which nothing is known, has no excuse."""
    assert excused(Table(0, 0, 1_000, 5)) == 0.0
    assert excused(Table(1_000, 6, 1_000, 5)) == 0.0
    assert excused(Table(1_000, 0, 1_000, 50)) == 0.0
    assert 0.048 < excused(Table(1_000, 50, 1_000, 2)) < 0.08


def test_quantiles_lie_within_their_bucket() -> None:
    """Interpolated evenly; what is beyond all bounds is said to be at the last."""
    assert quantile(BOUNDS, [10, 10, 0, 0], 0.5) == pytest.approx(0.1)
    assert quantile(BOUNDS, [0, 10, 10, 0], 0.75) == pytest.approx(0.3)
    assert quantile(BOUNDS, [0, 0, 0, 5], 0.5) == 0.4
    assert quantile(BOUNDS, [0, 0, 0, 0], 0.5) == 0.4


def test_shares_beyond_a_time() -> None:
    """Half of a bucket is beyond its middle."""
    assert share_beyond(BOUNDS, [0, 10, 10, 0], 0.3) == pytest.approx(0.25)
    assert share_beyond(BOUNDS, [10, 0, 0, 10], 0.05) == pytest.approx(0.75)
    assert share_beyond(BOUNDS, [0, 0, 5, 5], 9.0) == 0.5
    assert share_beyond(BOUNDS, [0, 0, 0, 0], 0.1) == 0.0


@pytest.mark.parametrize(("seconds", "index"), [(0.01, 0), (0.14, 0), (0.15, 1), (0.2, 1), (0.3, 2), (99.0, 2)])
def test_the_nearest_bound_is_so_by_ratio(seconds: float, index: int) -> None:
    """Between two bounds the geometric mean decides."""
    assert nearest(BOUNDS, seconds) == index


def test_the_past_needs_something_and_forgets() -> None:
    """Too few answers tell nothing; what has been long ago weighs less and less."""
    past = Past(BOUNDS, Tally(19, latency=(19, 0, 0, 0)))
    assert past.quantile(0.5) is None
    past.add(Tally(1, latency=(1, 0, 0, 0)))
    assert past.quantile(0.5) == pytest.approx(0.05)
    for _ in range(3):
        past.add(Tally(20_000, latency=(20_000, 0, 0, 0)))
    past.add(Tally(30_000, latency=(0, 0, 30_000, 0)))
    assert (past.quantile(0.5) or 0) > 0.2


def test_histograms_are_weighted_like_shares() -> None:
    """A slow time with another split makes neither color slower."""
    spread = Spread(4)
    spread.add([90, 10, 0, 0], [810, 90, 0, 0])
    mark = spread.mark
    spread.add([0, 0, 900, 0], [0, 0, 100, 0])
    spread.add([0, 0, 7, 0], [0, 0, 0, 0])
    count, new, old = spread.whole()
    assert count == 1_000
    assert new == pytest.approx(old)
    assert spread.since(mark)[1] == pytest.approx([0, 0, 90, 0])
