from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.drain import SECOND_LOOK, DrainWatch

LOOKS = st.lists(
    st.tuples(
        st.lists(st.integers(1, 3), max_size=3), st.integers(0, 2), st.sampled_from((0.0, SECOND_LOOK / 2, SECOND_LOOK))
    ),
    max_size=12,
)


def test_drained_takes_two_looks_a_moment_apart() -> None:
    """One look alone proves nothing, nor do two at the same time."""
    watch = DrainWatch(2)
    assert not watch.look([2, 2], 0, 10.0)
    assert not watch.look([2, 2], 0, 10.0)
    assert watch.look([2, 2], 0, 10.0 + 2 * SECOND_LOOK)


def test_what_is_in_flight_starts_the_watch_again() -> None:
    """A request between two empty looks makes the first one worthless."""
    watch = DrainWatch(2)
    assert not watch.look([2], 0, 1.0)
    assert not watch.look([2], 1, 2.0)
    assert not watch.look([2], 0, 3.0)
    assert watch.look([2], 0, 4.0)


def test_a_worker_that_has_not_seen_the_table_may_still_begin_something() -> None:
    """However empty it is, nothing is drained before every worker has seen the generation."""
    watch = DrainWatch(5)
    assert not any(watch.look([5, 4], 0, float(now)) for now in range(10))
    assert not watch.look([5, 6], 0, 20.0)
    assert watch.look([5, 6], 0, 21.0)


def test_no_worker_is_nothing_in_flight() -> None:
    """With all workers dead nothing is left to wait for."""
    watch = DrainWatch(2)
    assert not watch.look([], 0, 1.0)
    assert watch.look([], 0, 2.0)


@given(looks=LOOKS)
def test_drained_is_never_claimed_on_less(looks: list[tuple[list[int], int, float]]) -> None:
    """Whenever it says drained, all was empty and seen by all for a millisecond or more, and never later than that."""
    watch, now = DrainWatch(2), 100.0
    good_since: float | None = None
    for seen, in_flight, pause in looks:
        now += pause
        good = in_flight == 0 and all(generation >= 2 for generation in seen)
        good_since = (now if good_since is None else good_since) if good else None
        drained = watch.look(seen, in_flight, now)
        assert drained is (good_since is not None and now - good_since >= SECOND_LOOK)
