from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.model import Health, Pool, Upstream
from proxy.traffic.outlier import ErrorStreak, counts_as_error, ejection_until, may_eject
from proxy.traffic.retry import Failure, FailureReason
from proxy.traffic.spec import AdminState, OutlierRule

WORDS = {
    "healthy": Upstream("", health=Health.HEALTHY),
    "unhealthy": Upstream("", health=Health.UNHEALTHY),
    "unknown": Upstream(""),
    "ejected": Upstream("", health=Health.HEALTHY, ejected=True),
    "drained": Upstream("", health=Health.HEALTHY, admin=AdminState.DRAIN),
    "weightless": Upstream("", health=Health.HEALTHY, weight=0),
}


def pool_of(*words: str) -> Pool:
    """A pool of upstreams in these conditions, addressed by their place."""
    return tuple(
        Upstream(str(place), kind.weight, kind.admin, kind.health, kind.ejected)
        for place, kind in enumerate(WORDS[word] for word in words)
    )


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ("healthy", False),
        ("healthy healthy", True),
        ("ejected healthy", False),
        ("drained healthy healthy", False),
        ("weightless healthy healthy", False),
        ("healthy ejected", False),
        ("healthy unhealthy", False),
        ("healthy unknown", False),
        ("healthy drained", False),
        ("healthy weightless", False),
        ("healthy unhealthy healthy", True),
        ("unhealthy healthy", True),
        ("unknown unknown", True),
        ("unknown unhealthy", False),
        ("healthy healthy ejected", False),
        ("healthy healthy ejected healthy", True),
        ("healthy healthy ejected ejected", False),
        ("healthy healthy ejected drained drained", False),
    ],
)
def test_who_may_be_ejected(words: str, allowed: bool) -> None:
    """Whether the first upstream of a pool may be taken out, with half of the wanted ones allowed out."""
    assert may_eject(pool_of(*words.split()), "0", OutlierRule(max_ejected=0.5)) is allowed


def test_a_stranger_is_not_ejected() -> None:
    """An upstream that has left the pool since a worker complained is nobody's concern."""
    assert not may_eject(pool_of("healthy", "healthy"), "9", OutlierRule())


@pytest.mark.parametrize(
    ("count", "share", "most"),
    [(1, 1.0, 0), (2, 0.5, 1), (3, 0.5, 1), (4, 0.5, 2), (5, 0.1, 1), (10, 0.0, 0), (10, 1.0, 9), (100, 0.29, 29)],
)
def test_how_many_may_be_out(count: int, share: float, most: int) -> None:
    """The share is rounded down, but where there are two upstreams or more, one may be out; never all; 0 is none."""
    words = ["healthy"] * count
    ejected = 0
    for place in range(count):
        if may_eject(pool_of(*words), str(place), OutlierRule(max_ejected=share)):
            words[place] = "ejected"
            ejected += 1
    assert ejected == most


@given(
    words=st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=8),
    share=st.floats(0, 1),
    order=st.lists(st.integers(0, 7), max_size=20),
)
def test_a_fit_one_always_stays(words: list[str], share: float, order: list[int]) -> None:
    """Whatever is reported in whatever order, a pool that had a fit upstream which is wanted still has one."""
    pool = pool_of(*words)
    had = any(upstream.wanted and upstream.fit for upstream in pool)
    for place in order:
        if may_eject(pool, str(place), OutlierRule(max_ejected=share)):
            hit = pool[place]
            assert hit.wanted
            pool = (*pool[:place], Upstream(hit.address, health=hit.health, ejected=True), *pool[place + 1 :])
    assert any(upstream.wanted and upstream.fit for upstream in pool) == had


@pytest.mark.parametrize(
    ("results", "reports"),
    [("---", [3]), ("--+---", [6]), ("------", [3, 6]), ("+-+-+-", []), ("--+--", [])],
)
def test_a_streak_is_reported_once_and_begins_anew(results: str, reports: list[int]) -> None:
    """Three errors in a row are reported with the third; then three more are needed."""
    streak = ErrorStreak(3)
    assert [place for place, result in enumerate(results, 1) if streak.record(result == "+")] == reports


@pytest.mark.parametrize(
    ("status", "counts"),
    [(200, False), (404, False), (429, False), (500, False), (501, False), (502, True), (503, True), (504, True)],
)
def test_statuses_that_count(status: int, counts: bool) -> None:
    """Only answers that say that the server cannot serve count; a 500 may be one request's own fault."""
    assert counts_as_error(status) is counts


@pytest.mark.parametrize(
    ("reason", "counts"),
    [
        (FailureReason.CONNECT_REFUSED, True),
        (FailureReason.RESPONSE_TIMEOUT, True),
        (FailureReason.TRUNCATED, True),
        (FailureReason.CLIENT_GONE, False),
        (FailureReason.CLIENT_STALL, False),
        (FailureReason.LOCAL_RESOURCES, False),
        (FailureReason.SHUTDOWN, False),
    ],
)
def test_failures_that_count(reason: FailureReason, counts: bool) -> None:
    """What the client or this program did is not held against the upstream."""
    assert counts_as_error(Failure(reason)) is counts


def test_an_ejection_ends() -> None:
    """It lasts as long as the rule says."""
    assert ejection_until(100.0, OutlierRule(eject_for=10.0)) == 110.0
