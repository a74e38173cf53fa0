from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.model import FULL_SPLIT
from proxy.traffic.spec import Color
from proxy.traffic.split import Splitter

SPLITS = st.integers(0, FULL_SPLIT)


def dealt_to_green(splits: list[int]) -> list[int]:
    """For each number of requests from the first on, from none, how many of them green got."""
    splitter = Splitter()
    return list(accumulate((splitter.next(split) is Color.GREEN for split in splits), initial=0))


@given(split=SPLITS, before=st.integers(0, 500), length=st.integers(0, 2_000))
def test_any_window_is_off_by_less_than_one_request(split: int, before: int, length: int) -> None:
    """Of any requests in a row, wherever they begin, green gets its share give or take less than one."""
    green = dealt_to_green([split] * (before + length))
    assert abs((green[before + length] - green[before]) * FULL_SPLIT - length * split) < FULL_SPLIT


@given(split=SPLITS, length=st.integers(0, 2_000))
def test_the_first_requests_are_off_by_at_most_a_half(split: int, length: int) -> None:
    """A worker that has just started is closer to the share still, so many young workers do not add up to an error."""
    assert 2 * abs(dealt_to_green([split] * length)[-1] * FULL_SPLIT - length * split) <= FULL_SPLIT


@given(splits=st.lists(SPLITS, min_size=1, max_size=300), data=st.data())
def test_what_is_owed_carries_over_when_the_split_changes(splits: list[int], data: st.DataObject) -> None:
    """The promise holds over windows in which every request had another split, as in a shift."""
    first = data.draw(st.integers(0, len(splits)))
    last = data.draw(st.integers(first, len(splits)))
    green = dealt_to_green(splits)
    assert abs((green[last] - green[first]) * FULL_SPLIT - sum(splits[first:last])) < FULL_SPLIT


@given(before=st.lists(SPLITS, max_size=100))
@pytest.mark.parametrize(("split", "color"), [(0, Color.BLUE), (FULL_SPLIT, Color.GREEN)])
def test_none_and_all_are_exact(before: list[int], split: int, color: Color) -> None:
    """Split 0 gives green not one request and split 100 % gives blue not one, whatever was owed before."""
    splitter = Splitter()
    for earlier in before:
        splitter.next(earlier)
    assert {splitter.next(split) for _ in range(200)} == {color}


def test_the_smallest_share_is_served() -> None:
    """A hundredth of a percent is one request in ten thousand, not none."""
    assert dealt_to_green([1] * FULL_SPLIT)[-1] == 1


def test_a_share_is_spread_not_lumped() -> None:
    """At 50 % the colors alternate."""
    splitter = Splitter()
    assert [splitter.next(5_000) for _ in range(4)] == [Color.GREEN, Color.BLUE] * 2
