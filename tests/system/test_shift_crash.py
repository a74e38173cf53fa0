"""kill -9 in every phase of a shift: it goes on where it was, as the same operation, and no user is sent back."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.harness.fleet import Fleet
from tests.harness.processes import wait_until
from tests.harness.program import SERVICE, Program
from tests.harness.steady import Steady
from tests.system.shifts import (
    green_share,
    operation,
    rollback_of,
    start_shift,
    steer,
    wait_over,
    wait_share,
)

PLAIN = "plain"
"""A second service with the same upstreams, whose users are not told apart."""

BOTH = (SERVICE, PLAIN)
SPEED = 5.0
"""Percent a second of the linear shift."""

Kill = Callable[[Program], None]


def _supervisor(program: Program) -> None:
    program.send_signal(signal.SIGKILL)
    program.process.wait(10)


def _everything(program: Program) -> None:
    program.kill_tree()


@pytest.fixture
def both(program: Program) -> Program:
    """A front door with two services, one of which sets a cookie."""
    service = program.service_config
    program.config["services"] = {
        SERVICE: {**service, "sticky": {"cookie": "bg_user"}, "hosts": ["shop.example"]},
        PLAIN: {**service, "hosts": ["plain.example"]},
    }
    program.write_config()
    reply = program.admin("POST", "/v1/reload", {})
    assert reply.status == 200, reply
    wait_until(lambda: all(_healthy(program, name) for name in BOTH), timeout=10, what="all healthy")
    return program


def _healthy(program: Program, service: str) -> bool:
    pools = program.admin("GET", f"/v1/services/{service}").body["pools"]
    return all(upstream["health"] == "healthy" for pool in pools.values() for upstream in pool["upstreams"])


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("kill", [_supervisor, _everything])
def test_a_stepped_shift_goes_on_after_a_kill(both: Program, fleet: Fleet, kill: Kill) -> None:
    """Before its first step, at rest, as it waits to be promoted, with the last requests on blue, and while it is
    watched afterwards: a green that then turns bad is still left."""
    steps = [{"percent": 10, "pause": "10m"}, {"percent": 50, "pause": None}]
    with Steady(both.door, rate=150, users=100) as load:
        shifts = [start_shift(both, name, steps=steps, gates={"approval": ["before_start"]}) for name in BOTH]
        _killed(both, kill, shifts, hindrance="approval")
        _promote(both, shifts)
        _killed(both, kill, shifts, hindrance=None)
        _promote(both, shifts)
        _killed(both, kill, shifts, hindrance="step")
        _wait_requests(load, 300)  # so that it is known what blue is like
        with Steady(both.door, rate=20, path="/slow?ms=1500"):
            wait_until(lambda: both.in_flight() > 20, timeout=10, what="slow requests")
            _promote(both, shifts, full=True)
            assert operation(both, shifts[0])["progress"]["phase"] in ("applying", "draining")
            kill(both)
        both.start()
        for shift, name in zip(shifts, BOTH, strict=True):
            assert wait_over(both, shift)["state"] == "succeeded"
            assert green_share(both, name) == 100
        kill(both)
        both.start()
        assert not load.flips("green")
        for upstream in fleet.green:
            upstream.set_mood(fail_every=4)
        wait_until(lambda: green_share(both) == 0, timeout=10, what=lambda: f"back on blue\n{both.log()}")
        assert "with 5xx" in rollback_of(both)["reason"]


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("kill", [_supervisor, _everything])
def test_a_linear_shift_goes_on_after_a_kill(both: Program, kill: Kill) -> None:
    """On its way: what was served is served again, and the time that it was away has not moved it."""
    with Steady(both.door, rate=150, users=100) as load:
        shifts = [start_shift(both, name, over=f"{100 / SPEED}s", judge=False) for name in BOTH]
        wait_share(both, 20)
        served = [green_share(both, name) for name in BOTH]
        kill(both)
        _wait_requests(load, 300)
        begun = time.monotonic()
        both.start()
        again = [green_share(both, name) for name in BOTH]
        most = (time.monotonic() - begun) * SPEED + 1
        for before, after in zip(served, again, strict=True):
            assert before <= after <= before + most, (served, again)
        _wait_requests(load, 300)
        assert [green_share(both, name) for name in BOTH] > again
        _promote(both, shifts, full=True)
        assert [wait_over(both, shift)["state"] for shift in shifts] == ["succeeded", "succeeded"]
        assert not load.flips("green")


def _wait_requests(load: Steady, count: int) -> None:
    until = len(load.asked) + count
    wait_until(lambda: len(load.asked) >= until, timeout=10, what=f"{count} more requests")


def _promote(program: Program, shifts: list[str], **body: bool) -> None:
    for shift in shifts:
        steer(program, shift, "promote", **body)


def _killed(program: Program, kill: Kill, shifts: list[str], *, hindrance: str | None) -> None:
    """Kill it where shifts wait for something, or rest, and see that they do so again."""
    wait_until(lambda: _stand(program, shifts, hindrance), timeout=10, what=f"{hindrance}: {program.log()}")
    served = [operation(program, shift)["shift"]["percent"] for shift in shifts]
    kill(program)
    program.start()
    wait_until(lambda: _stand(program, shifts, hindrance), timeout=10, what=f"{hindrance} again: {program.log()}")
    assert [green_share(program, name) for name in BOTH] == served


def _stand(program: Program, shifts: list[str], hindrance: str | None) -> bool:
    return all(operation(program, shift)["shift"]["hindrance"] == hindrance for shift in shifts)
