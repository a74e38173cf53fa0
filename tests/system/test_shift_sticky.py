"""Users with cookies through a real shift."""

from __future__ import annotations

import math

import pytest

from tests.harness.processes import wait_until
from tests.harness.program import SERVICE, Program
from tests.harness.steady import Steady
from tests.system.shifts import green_share, operation, start_shift, steer, wait_over, wait_share

USERS = 400
PAUSES = (20, 70)
SIGMAS = 4.5
"""How far chance may carry the share of so few users from the share that was asked for."""


@pytest.fixture
def sticky(program: Program) -> Program:
    """A front door that sets a cookie."""
    program.service_config["sticky"] = {"cookie": "bg_user"}
    program.write_config()
    reply = program.admin("POST", "/v1/reload", {})
    assert reply.status == 200, reply
    return program


@pytest.mark.system
@pytest.mark.paced
def test_users_reach_green_once_and_for_good(sticky: Program) -> None:
    """Through a whole shift by two workers: nobody is back on blue, and 20 % are 20 % of the users. Rolled back, all
    are where they were."""
    with Steady(sticky.door, rate=450, users=USERS) as load:
        wait_until(lambda: len({each.user for each in load.asked}) > USERS * 0.9, timeout=20, what="most have a cookie")
        shift = start_shift(sticky, over="5s", judge=False)
        for share in PAUSES:
            wait_share(sticky, share)
            steer(sticky, shift, "pause")
            _judge_share(load, green_share(sticky))
            steer(sticky, shift, "resume")
        assert wait_over(sticky, shift)["state"] == "succeeded"
        seen = len(load.asked)
        assert not load.flips("green")
        reply = sticky.admin("POST", f"/v1/services/{SERVICE}/rollback", {})
        assert reply.status == 200, reply
        wait_until(lambda: len(load.asked) > seen + USERS, timeout=20, what="users after the rollback")
        asked = load.stop()
    assert operation(sticky, shift)["receipt"]["dropped"] == 0
    assert {each.color for each in asked if each.begun > reply.answered} == {"blue"}
    assert {each.status for each in asked} == {200}


def _judge_share(load: Steady, percent: float) -> None:
    """Where the users are that come while the split stands."""
    begun = len(load.asked)
    wait_until(lambda: len(load.asked) > begun + 1.5 * USERS, timeout=20, what="users while the shift is paused")
    fresh = load.asked[begun + USERS // 4 :]  # what was under way before the pause is over by then
    colors = {each.user: each.color for each in fresh}
    on_green, share = sum(color == "green" for color in colors.values()), percent / 100
    assert len(colors) > USERS / 2
    assert abs(on_green / len(colors) - share) < SIGMAS * math.sqrt(share * (1 - share) / len(colors)), (
        on_green,
        share,
    )
