from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from proxy.control.restarts import LONGEST_PAUSE, SOON, Restarts


def test_a_single_death_is_made_good_at_once() -> None:
    """Whether the worker was old or young."""
    assert Restarts().after(SOON * 2).pause == Restarts().after(0.0).pause == 0.0


@given(st.integers(2, 200))
def test_pauses_grow_up_to_a_limit(deaths: int) -> None:
    """A worker that dies again and again costs less and less, and is tried again all the same."""
    rows = itertools.accumulate([0.0] * deaths, lambda row, lived: row.after(lived), initial=Restarts())
    pauses = [row.pause for row in rows]

    assert pauses == sorted(pauses)
    assert 0 < pauses[-1] <= LONGEST_PAUSE


def test_a_worker_that_lived_ends_the_row() -> None:
    """What happened long ago delays nobody."""
    row = Restarts(early=9)

    assert row.pause > 0
    assert row.after(SOON).pause == 0.0
