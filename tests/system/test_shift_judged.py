"""A green that turns bad is left by itself, and one that is not, is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.fleet import Fleet
from tests.harness.processes import wait_until
from tests.harness.program import Program
from tests.harness.steady import Steady
from tests.system.shifts import (
    command,
    green_share,
    operation,
    rollback_of,
    start_shift,
    steer,
    wait_over,
    wait_paused,
    wait_share,
)

BACK_WITHIN = 10.0
"""Seconds from the first trouble to no traffic on green."""

TROUBLES = {
    "errors": "with 5xx",
    "slowness": "p99",
    "refusals": "green",
}
"""What goes wrong, and what the reason has to speak of."""


def worsen(fleet: Fleet, trouble: str) -> None:
    """Green turns bad: 5 % errors, three times slower at p99, or nobody there."""
    for upstream in fleet.green:
        if trouble == "refusals":
            upstream.kill()
        elif trouble == "errors":
            upstream.set_mood(fail_every=20)
        else:
            upstream.set_mood(slow_every=20, slow_ms=240)


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_green_that_turns_bad_is_left_within_seconds(
    program: Program, fleet: Fleet, tmp_path: Path, trouble: str
) -> None:
    """At 10 % of 500 requests a second: all back on blue, the command ends with 5 and says why, and every request that
    saw an error is in one of both receipts."""
    for upstream in fleet.upstreams:
        upstream.set_mood(slow_every=20, slow_ms=80)
    output = tmp_path / "command.out"
    with Steady(program.door, rate=500) as load:
        shift = command(program, output, "shift", "green", "--steps", "10,100", "--every", "5m")
        wait_share(program, 10)
        wait_until(lambda: sum(each.color == "green" for each in load.asked) > 50, timeout=10, what="some on green")
        worsen(fleet, trouble)
        wait_until(lambda: green_share(program) == 0, timeout=BACK_WITHIN, what=lambda: str(operation(program, "op-1")))
        assert shift.wait(10) == 5, output.read_text()
        rollback = rollback_of(program)
        statuses = load.statuses()
        asked = load.stop()
    over = operation(program, "op-1")
    assert over["state"] == "rolled_back"
    assert TROUBLES[trouble] in over["note"], over["note"]
    assert over["note"] in output.read_text().replace("\n", " ")
    assert rollback["reason"] == over["note"]
    told = over["receipt"]["errors_on_new"] + rollback["receipt"]["errors_on_old"]
    assert told == sum(each.status >= 500 for each in asked), (statuses, over, rollback)
    assert not [each for each in asked if each.status == 0]
    print(trouble, told, over["note"])


@pytest.mark.system
@pytest.mark.paced
def test_a_green_that_is_as_bad_as_blue_was_is_not_left(program: Program, fleet: Fleet) -> None:
    """5 % of both fail: nobody goes back for that. To be sure of it takes long, so somebody lets it go on."""
    for upstream in fleet.upstreams:
        upstream.set_mood(fail_every=20)
    with Steady(program.door, rate=400) as load:
        wait_until(lambda: len(load.asked) > 200, timeout=10, what="some errors on blue")
        shift = start_shift(program, steps=[{"percent": 50, "pause": "3s"}])
        assert wait_paused(program, shift)["shift"]["judge"]["finding"] == "inconclusive"
        steer(program, shift, "resume")
        over = wait_over(program, shift)
    assert over["state"] == "succeeded", over
    assert over["receipt"]["errors_on_new"] > 20


@pytest.mark.system
@pytest.mark.paced
def test_a_green_that_turns_bad_when_it_has_everything_is_left_too(program: Program, fleet: Fleet) -> None:
    """It is compared with what blue did during the shift; the rollback has every error since the shift was over."""
    with Steady(program.door, rate=400) as load:
        shift = start_shift(program, steps=[{"percent": 50, "pause": "10m"}])
        wait_until(lambda: len(load.asked) > 1000, timeout=20, what="a notion of blue")
        steer(program, shift, "promote", full=True)
        assert wait_over(program, shift)["state"] == "succeeded"
        for upstream in fleet.green:
            upstream.set_mood(fail_every=10)
        wait_until(lambda: green_share(program) == 0, timeout=BACK_WITHIN, what=program.log)
        rollback = rollback_of(program)
        asked = load.stop()
    assert "that blue had" in rollback["reason"]
    assert operation(program, shift)["receipt"]["errors_on_new"] == 0
    assert rollback["receipt"]["errors_on_old"] == sum(each.status >= 500 for each in asked) > 0, rollback


@pytest.mark.system
@pytest.mark.paced
def test_a_blue_that_cannot_answer_is_waited_for(program: Program, fleet: Fleet) -> None:
    """Green is bad and blue is down: going back would be worse, so it stays, says why, and goes back when it can."""
    with Steady(program.door, rate=200):
        shift = start_shift(program, steps=[{"percent": 50, "pause": "10m"}])
        wait_share(program, 50)
        _set_health(program, fleet, "unhealthy")
        for upstream in fleet.green:
            upstream.set_mood(fail_every=4)
        paused = wait_paused(program, shift)
        assert green_share(program) == 50
        assert "with 5xx" in paused["note"]
        assert "blue has no healthy upstream to go back to" in paused["note"]
        _set_health(program, fleet, "healthy")
        assert wait_over(program, shift)["state"] == "rolled_back"
    assert green_share(program) == 0


def _set_health(program: Program, fleet: Fleet, health: str) -> None:
    for upstream in fleet.blue:
        upstream.set_health(health == "healthy")
    wait_until(
        lambda: {each["health"] for each in program.service()["pools"]["blue"]["upstreams"]} == {health},
        timeout=10,
        what=f"{health} blue",
    )


@pytest.mark.system
@pytest.mark.paced
def test_too_few_requests_let_a_shift_wait(program: Program) -> None:
    """It is paused and not undone, and says how many more requests it needs."""
    with Steady(program.door, rate=5):
        shift = start_shift(program, steps=[{"percent": 50, "pause": "1s"}])
        paused = wait_paused(program, shift)
        assert green_share(program) == 50
    judge = paused["shift"]["judge"]
    assert paused["shift"]["hindrance"] == "judge"
    assert judge["finding"] == "inconclusive"
    assert judge["needed"] > 0
    assert f"needs about {judge['needed']} more" in judge["words"]
    assert "needs about" in paused["note"]
