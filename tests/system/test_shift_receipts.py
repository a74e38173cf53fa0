"""Receipts against what the load generator has counted itself."""

from __future__ import annotations

import pytest

from tests.harness.fleet import Fleet
from tests.harness.processes import wait_until
from tests.harness.program import Program
from tests.harness.steady import Asked, Steady
from tests.system.shifts import operation, start_shift, steer, wait_over, wait_paused


@pytest.mark.system
@pytest.mark.paced
def test_the_receipt_of_a_shift_is_what_the_clients_saw(program: Program, fleet: Fleet) -> None:
    """Every answer of green and every error of it, and on blue all that was under way when the last step came."""
    for upstream in fleet.green:
        upstream.set_mood(fail_every=25)
    with Steady(program.door, rate=300) as load:
        shift = start_shift(
            program, judge=False, steps=[{"percent": 40, "pause": "1s"}, {"percent": 80, "pause": None}]
        )
        wait_paused(program, shift)
        before = load.stop()
    with Steady(program.door, rate=300, path="/slow?ms=300") as late:
        wait_until(lambda: program.in_flight() > 50, timeout=10, what="requests in flight")
        steer(program, shift, "promote", full=True)
        wait_until(lambda: operation(program, shift)["progress"]["phase"] != "shifting", timeout=10, what="the flip")
        after = late.stop()
    receipt = wait_over(program, shift)["receipt"]
    green = [each for each in (*before, *after) if each.color == "green"]
    assert receipt["served_by_new"] == len(green), receipt
    assert receipt["errors_on_new"] == sum(each.status >= 500 for each in green) > 0, receipt
    assert receipt["in_flight_at_flip"] == receipt["finished_on_old"] > 0, receipt
    assert (receipt["dropped"], receipt["failed"], receipt["errors_on_old"]) == (0, 0, 0), receipt


@pytest.mark.system
@pytest.mark.paced
def test_the_receipt_of_a_switch_is_what_the_clients_saw(program: Program, fleet: Fleet) -> None:
    """What was in flight at the flip, to within those that began or ended in the very moment, and its errors."""
    for upstream in fleet.blue:
        upstream.set_mood(fail_every=5)
    with Steady(program.door, rate=200, path="/slow?ms=300") as load:
        wait_until(lambda: program.in_flight() > 30, timeout=10, what="requests in flight")
        reply = program.switch("green")
        receipt = wait_over(program, reply.body["id"])["receipt"]
        asked = load.stop()
    blue = [each for each in asked if each.color == "blue"]
    least = [each for each in blue if each.begun < reply.begun - _SLACK and each.ended > reply.answered + _SLACK]
    most = [each for each in blue if each.begun < reply.answered and each.ended > reply.begun]
    assert len(least) <= receipt["in_flight_at_flip"] <= len(most), receipt
    assert receipt["finished_on_old"] == receipt["in_flight_at_flip"], receipt
    assert _errors(least) <= receipt["errors_on_old"] <= _errors(most), receipt
    assert _errors(least) > 0
    assert receipt["dropped"] == receipt["failed"] == 0, receipt


_SLACK = 0.05
"""Seconds by which a busy client may be late to send what it has begun, or to note what has ended."""


def _errors(asked: list[Asked]) -> int:
    return sum(each.status >= 500 for each in asked)
