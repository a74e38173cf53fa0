from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.health import RiseFall, expects
from proxy.traffic.model import Health
from proxy.traffic.spec import HealthCheck


def after(results: list[bool], *, rise: int, fall: int) -> RiseFall:
    """The verdict after these results, beginning with an unknown upstream."""
    verdict = RiseFall(rise=rise, fall=fall)
    for ok in results:
        verdict = verdict.observe(ok)
    return verdict


@pytest.mark.parametrize(("ok", "health"), [(True, Health.HEALTHY), (False, Health.UNHEALTHY)])
def test_the_first_result_decides(ok: bool, health: Health) -> None:
    """An unknown upstream needs no row of results, so that a start is not slow."""
    assert after([ok], rise=5, fall=5).health is health


@pytest.mark.parametrize(
    ("results", "health"),
    [
        ("+--", Health.HEALTHY),
        ("+---", Health.UNHEALTHY),
        ("+--+--", Health.HEALTHY),
        ("+----", Health.UNHEALTHY),
        ("-+", Health.UNHEALTHY),
        ("-++", Health.HEALTHY),
        ("-+-+", Health.UNHEALTHY),
        ("-+-++", Health.HEALTHY),
        ("+---+", Health.UNHEALTHY),
        ("+---++--", Health.HEALTHY),
    ],
)
def test_only_a_row_of_results_turns_the_verdict(results: str, health: Health) -> None:
    """With rise 2 and fall 3: three bad ones in a row bring down, two good ones in a row bring up."""
    assert after([result == "+" for result in results], rise=2, fall=3).health is health


@given(results=st.lists(st.booleans(), min_size=1, max_size=60), rise=st.integers(1, 5), fall=st.integers(1, 5))
def test_a_verdict_changes_only_with_its_row(results: list[bool], rise: int, fall: int) -> None:
    """It changes with a result exactly when that result completes a row that is long enough."""
    verdict = RiseFall(rise=rise, fall=fall).observe(results[0])
    for end in range(2, len(results) + 1):
        ok = results[end - 1]
        before, verdict = verdict, verdict.observe(ok)
        row = results[max(0, end - (rise if ok else fall)) : end]
        needed = rise if ok else fall
        turned = len(row) == needed and set(row) == {ok} and before.health is not verdict.health
        assert (before.health is not verdict.health) == turned
        if len(row) == needed and set(row) == {ok}:
            assert verdict.health is (Health.HEALTHY if ok else Health.UNHEALTHY)


def test_results_that_agree_make_nothing_new() -> None:
    """A healthy upstream that stays healthy is the very same value, so that nothing has to be published."""
    verdict = RiseFall(rise=2, fall=3, health=Health.HEALTHY)
    assert verdict.observe(True) is verdict


@pytest.mark.parametrize(
    ("status", "good"),
    [(199, False), (200, True), (299, True), (300, False), (418, True), (419, False), (503, False)],
)
def test_expected_statuses_are_inclusive_ranges(status: int, good: bool) -> None:
    """A probe is good when its status lies within any of the ranges, ends included."""
    assert expects(HealthCheck(expect=((200, 299), (418, 418))), status) is good
