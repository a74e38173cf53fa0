"""Workers die by SIGKILL, the front door does not."""

from __future__ import annotations

import dataclasses

import pytest

from tests.harness.client import Failure
from tests.harness.fleet import Fleet
from tests.harness.load import Load
from tests.harness.processes import wait_until
from tests.harness.program import Program
from tests.harness.report import outside

KILLS = 10


@pytest.mark.system
def test_a_killed_worker_takes_only_what_was_in_flight_in_it(program: Program, fleet: Fleet) -> None:
    """Ten SIGKILLs under load: whatever fails was under way as a worker died, and nothing is ever refused."""
    deaths: list[tuple[float, float]] = []
    with Load(program.door, color="blue") as load:
        load.wait_for(200)
        for _ in range(KILLS):
            victim = min(program.worker_pids())
            deaths.append(program.kill_worker(victim))
            load.wait_for(100)
            _wait_replaced(program, victim)
        report = dataclasses.replace(load.stop(), duplicates=fleet.duplicates())
    print(report)
    assert not outside(report.troubles, deaths), f"failed although no worker died meanwhile\n{report}"
    assert not report.of(Failure.REFUSED), str(report)
    assert not report.of(Failure.STATUS), f"a death is no reason for an error page\n{report}"
    assert not report.of(Failure.CHANGED), str(report)
    assert not report.stale, str(report)
    assert not report.duplicates, str(report)
    assert len(report.troubles) <= KILLS * load.mix.clients, str(report)
    wait_until(lambda: program.in_flight() == 0, timeout=5, what="in flight back to 0")


@pytest.mark.system
def test_a_new_worker_serves_the_switched_color(program: Program) -> None:
    """A worker that replaces a dead one starts from the table of now, not from the config's."""
    reply = program.switch("green")
    with Load(program.door) as load:
        load.switched("green", begun=reply.begun, answered=reply.answered)
        load.wait_for(100)
        for victim in program.worker_pids():
            program.kill_worker(victim)
            _wait_replaced(program, victim)
        load.wait_for(200)
        report = load.stop()
    print(report)
    assert report.judged > 200, str(report)
    assert not report.stale, str(report)
    assert report.colors.keys() == {"green"}, str(report)


def _wait_replaced(program: Program, gone: int) -> None:
    wait_until(lambda: len(program.worker_pids() - {gone}) == 2, timeout=10, what="a new worker")
    wait_until(lambda: program.service()["workers"]["applied"] == 2, timeout=10, what="the new worker serves")
