"""An upstream of the live color dies and comes back."""

from __future__ import annotations

import dataclasses

import pytest

from tests.harness.client import Failure
from tests.harness.fleet import Fleet
from tests.harness.load import Load
from tests.harness.mix import NOBODY
from tests.harness.processes import wait_until
from tests.harness.program import Program
from tests.harness.report import outside

DEATHS = 8
IDEMPOTENT = dataclasses.replace(NOBODY, keep_alive=8, one_shot=4, slow=6)
"""Everything that may be asked twice and has got nothing yet when its upstream dies."""


@pytest.mark.system
def test_no_idempotent_request_fails_when_an_upstream_dies(program: Program, fleet: Fleet) -> None:
    """SIGKILL and restart of one of two live upstreams, again and again: every GET is answered, by the same color."""
    with Load(program.door, IDEMPOTENT, color="blue") as load:
        load.wait_for(200)
        for number in range(DEATHS):
            _dies_and_returns(program, fleet, load, number)
        report = load.stop()
    print(report)
    assert not report.breaches(), str(report)
    assert report.colors.keys() == {"blue"}, str(report)


@pytest.mark.system
def test_a_post_is_never_delivered_twice(program: Program, fleet: Fleet) -> None:
    """A POST under way as its upstream dies may fail, but only then, and is never sent to another one."""
    mix = dataclasses.replace(NOBODY, posts=8, uploads=4, keep_alive=2)
    with Load(program.door, mix, color="blue") as load:
        load.wait_for(200)
        spans = [_dies_and_returns(program, fleet, load, number) for number in range(DEATHS)]
        report = dataclasses.replace(load.stop(), duplicates=fleet.duplicates())
    print(report)
    assert not report.duplicates, str(report)
    assert not [sample for sample in report.troubles if sample.kind == "keep_alive"], str(report)
    assert not outside(report.troubles, spans), f"failed although no upstream died meanwhile\n{report}"
    assert not report.of(Failure.CHANGED), str(report)
    assert len(report.failed) <= DEATHS * 12, f"more than were in flight\n{report}"
    wait_until(lambda: program.in_flight() == 0, timeout=5, what="in flight back to 0")


@pytest.mark.system
def test_upstreams_with_a_short_patience_cost_nothing(program: Program, fleet: Fleet) -> None:
    """Upstreams that close idle connections when it suits them: the race never reaches a client."""
    for upstream in fleet.blue:
        upstream.restart(keep_alive=0.02)
    program.wait_healthy()
    mix = dataclasses.replace(NOBODY, keep_alive=6, posts=4, pause=0.02)
    with Load(program.door, mix, color="blue") as load:
        load.wait_for(3000)
        report = dataclasses.replace(load.stop(), duplicates=fleet.duplicates())
    print(report)
    assert not report.breaches(), str(report)


def _dies_and_returns(program: Program, fleet: Fleet, load: Load, number: int) -> tuple[float, float]:
    # Two deaths that one request meets are another story: the next upstream is killed only when the other one is known
    # to be well, and when every request that may have found it dead has ended.
    program.wait_healthy()
    victim = fleet.blue[number % 2]
    span = victim.kill()
    load.wait_for(100)
    victim.restart()
    load.settle()
    return span
