from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.balance import LeastRequests, RoundRobin, make_picker
from proxy.traffic.model import MAX_WEIGHT
from proxy.traffic.spec import Balance

WEIGHTS = st.lists(st.integers(1, 12) | st.sampled_from([1, 1, 2, 50, MAX_WEIGHT]), min_size=1, max_size=12)
OFFSETS = st.integers(0, 1_000_000)


@dataclass(eq=False)
class Server:
    """An upstream of a test; each is equal to itself alone."""

    name: int
    in_flight: int = 0


def servers(weights: list[int]) -> list[tuple[Server, int]]:
    """Idle upstreams, named by their place, with these weights."""
    return [(Server(name), weight) for name, weight in enumerate(weights)]


def numbered(weights: list[int]) -> list[tuple[int, int]]:
    """Places with these weights."""
    return list(enumerate(weights))


@given(weights=WEIGHTS, offset=OFFSETS, begin=st.integers(0, 600))
def test_each_is_picked_as_often_as_its_weight_says(weights: list[int], offset: int, begin: int) -> None:
    """Over one cycle, wherever it is taken to begin, every upstream is picked exactly `weight` times."""
    robin = RoundRobin(numbered(weights), offset)
    for _ in range(begin):
        robin.pick()
    assert Counter(robin.pick() for _ in range(sum(weights))) == dict(enumerate(weights))


@given(weights=WEIGHTS, offset=OFFSETS)
def test_the_order_repeats_with_the_cycle(weights: list[int], offset: int) -> None:
    """No error adds up: cycle after cycle the same weights are served in the same order."""
    robin = RoundRobin([(weight, weight) for weight in weights], offset)
    cycles = [[robin.pick() for _ in range(sum(weights))] for _ in range(4)]
    assert cycles == [cycles[0]] * 4


@given(weights=WEIGHTS, offset=OFFSETS)
def test_runs_are_no_longer_than_necessary(weights: list[int], offset: int) -> None:
    """An upstream alone in its class: at most its weight over the busiest other class in a row; in company: once."""
    robin = RoundRobin(numbered(weights), offset)
    picks = [robin.pick() for _ in range(3 * sum(weights))]
    shares = {weight: weight * count for weight, count in Counter(weights).items()}
    for name, weight in enumerate(weights):
        others = [share for other, share in shares.items() if other != weight]
        if len(weights) == 1:
            allowed = len(picks)
        elif shares[weight] > weight:
            allowed = 1
        else:
            allowed = ceil(Fraction(weight, max(others)))
        runs = [len(list(run)) for picked, run in groupby(picks) if picked == name]
        assert max(runs) <= allowed


def test_a_heavy_one_is_spread_among_light_ones() -> None:
    """The order is smooth: 5, 1, 1 is not five of the first and then the rest."""
    robin = RoundRobin([("a", 5), ("b", 1), ("c", 1)])
    assert "".join(robin.pick() for _ in range(7)) == "abaaaca"


def test_equal_weights_go_in_a_circle() -> None:
    """A pool of equal weights is served in the operator's order, however large the weight."""
    robin = RoundRobin([("a", 7), ("b", 7), ("c", 7)])
    assert "".join(robin.pick() for _ in range(6)) == "abcabc"


def test_workers_start_at_different_places() -> None:
    """As many workers as equal upstreams give their first requests to one each."""
    assert {RoundRobin(numbered([1, 1, 1, 1]), worker).pick() for worker in range(4)} == {0, 1, 2, 3}


def test_workers_start_all_over_the_cycle() -> None:
    """Whatever the weights, workers that begin at once do not all begin with the heaviest upstream."""
    assert {RoundRobin(numbered([1, 2, 3, 4]), worker).pick() for worker in range(20)} == {0, 1, 2, 3}


@pytest.mark.parametrize("balance", Balance)
@given(weights=WEIGHTS, offset=OFFSETS, data=st.data())
def test_a_retry_goes_to_another_one(balance: Balance, weights: list[int], offset: int, data: st.DataObject) -> None:
    """Of the upstreams that were not tried one is found whenever there is one, however light it is."""
    items = servers(weights)
    picker = make_picker(balance, items, offset)
    assert picker is not None
    tried = data.draw(st.sets(st.sampled_from([server for server, _ in items])))
    for _ in range(5):
        other = picker.pick_other(tried)
        if len(tried) == len(items):
            assert other is None
        else:
            assert other is not None
            assert other not in tried


@pytest.mark.parametrize("balance", Balance)
def test_retries_leave_the_turns_alone(balance: Balance) -> None:
    """With one of two upstreams dead, retries do not make every request begin with the dead one."""
    items = servers([1, 1])
    picker = make_picker(balance, items)
    assert picker is not None
    firsts = []
    for _ in range(10):
        first = picker.pick()
        firsts.append(first.name)
        if first.name == 0:
            assert picker.pick_other([first]) is items[1][0]
    assert Counter(firsts) == {0: 5, 1: 5}


def test_retries_are_spread_by_weight() -> None:
    """What one upstream could not serve is shared out among the others, not heaped on one of them."""
    robin = RoundRobin([("dead", MAX_WEIGHT), ("a", 1), ("b", 1), ("c", 1)])
    assert max(Counter(robin.pick_other(["dead"]) for _ in range(300)).values()) <= 150
    equal = RoundRobin([("dead", 1), ("a", 1), ("b", 1), ("c", 1)])
    assert Counter(equal.pick_other(["dead"]) for _ in range(300)) == {"a": 100, "b": 100, "c": 100}


@given(weights=WEIGHTS, offset=OFFSETS)
def test_an_idle_pool_is_plain_round_robin(weights: list[int], offset: int) -> None:
    """While no request meets another, least requests honors the weights as round robin does."""
    least = LeastRequests(servers(weights), offset)
    assert Counter(least.pick().name for _ in range(sum(weights))) == dict(enumerate(weights))


@given(count=st.integers(2, 12))
def test_the_busier_candidate_is_passed_over(count: int) -> None:
    """A stuck upstream is picked only where both candidates are that one, which equal weights rule out."""
    items = servers([1] * count)
    stuck = items[0][0]
    stuck.in_flight = 1_000
    least = LeastRequests(items)
    assert stuck not in {least.pick() for _ in range(count * count)}


@given(count=st.integers(2, 8))
def test_everyone_is_compared_with_everyone(count: int) -> None:
    """Two slow upstreams, wherever they stand, are picked only when they meet: twice in all pairings."""
    for place in range(1, count):
        items = servers([1] * count)
        items[0][0].in_flight = items[place][0].in_flight = 1_000
        least = LeastRequests(items)
        picks = Counter(least.pick().name for _ in range(count * (count - 1)))
        assert picks[0] + picks[place] == 2


def test_least_requests_fills_up_by_weight() -> None:
    """Requests that do not end settle in proportion to the weights."""
    items = servers([3, 1])
    least = LeastRequests(items)
    for _ in range(400):
        least.pick().in_flight += 1
    assert abs(items[0][0].in_flight - 300) <= 3


def test_a_busy_heavy_one_beats_an_almost_idle_light_one() -> None:
    """Load is counted against the weight."""
    heavy, light = Server(0, in_flight=4), Server(1, in_flight=1)
    least = LeastRequests([(heavy, 10), (light, 1)])
    assert {least.pick() for _ in range(110)} == {heavy}


@pytest.mark.parametrize("balance", Balance)
def test_an_empty_pool_has_no_picker(balance: Balance) -> None:
    """An empty pool is None, so that nobody can pick from it."""
    assert make_picker(balance, []) is None


@pytest.mark.parametrize("balance", Balance)
def test_a_single_upstream_is_always_picked(balance: Balance) -> None:
    """A pool of one needs no choice."""
    items = servers([3])
    picker = make_picker(balance, items)
    assert picker is not None
    assert {picker.pick() for _ in range(5)} == {items[0][0]}


@pytest.mark.parametrize("items", [[], [("a", 0)], [("a", 1), ("b", -1)]])
def test_nothing_to_pick_is_refused(items: list[tuple[str, int]]) -> None:
    """Weight 0 means none at all, so such an upstream must not come this far."""
    with pytest.raises(ValueError, match="weight"):
        RoundRobin(items)


def test_least_requests_of_one_still_picks() -> None:
    """Even a pool of one, where both candidates are the same, is served."""
    (server, _), *_ = items = servers([1])
    assert LeastRequests(items).pick() is server
