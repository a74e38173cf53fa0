"""How slowly a body may come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.dataplane.pace import GRACE, MIN_RATE, Pace


def test_the_grace_comes_first() -> None:
    """A client that has sent nothing yet is late only after the grace."""
    assert Pace().due(100.0, 0) == 100.0 + GRACE


def test_what_has_come_buys_time() -> None:
    """Each byte a little, whenever it came."""
    pace = Pace()
    pace.due(100.0, 0)
    assert pace.due(110.0, MIN_RATE * 30) == 100.0 + GRACE + 30


def test_one_byte_at_a_time_buys_next_to_nothing() -> None:
    """A byte every ten seconds keeps no place."""
    pace, now, received = Pace(), 0.0, 0
    while now < pace.due(now, received):
        now, received = now + 10.0, received + 1
    assert now <= GRACE + 10.0


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1000)), max_size=8))
def test_time_in_which_the_client_is_held_back_does_not_count(stretches: list[tuple[float, float]]) -> None:
    """However often it is held, and for how long: only its own time is spent."""
    pace, now, free = Pace(), 0.0, 0.0
    for running, held in stretches:
        pace.due(now, 0)
        now, free = now + running, free + running
        pace.hold(now)
        pace.hold(now + held / 2)  # to be held twice is to be held
        now += held
    assert abs(pace.due(now, 0) - now - (GRACE - free)) < 1e-6
