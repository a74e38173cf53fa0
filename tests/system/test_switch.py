"""Switches under load: the point of it all."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from tests.harness.fleet import Fleet
from tests.harness.load import Load
from tests.harness.mix import KINDS, NOBODY
from tests.harness.processes import wait_until
from tests.harness.program import Program

SWITCHES = 200


@pytest.mark.system
def test_two_hundred_switches_under_load_lose_nothing(program: Program, fleet: Fleet) -> None:
    """Back and forth under every kind of load: 0 failed, 0 stale, 0 changed, no POST twice, in flight back to 0."""
    with Load(program.door, color="blue") as load:
        load.wait_for(200)
        for color in itertools.islice(itertools.cycle(("green", "blue")), SWITCHES):
            reply = program.switch(color)
            load.switched(color, begun=reply.begun, answered=reply.answered)
            load.wait_for(50)
        report = dataclasses.replace(load.stop(), duplicates=fleet.duplicates())
    print(report)
    assert not report.breaches(), str(report)
    assert report.totals.keys() == KINDS.keys(), str(report)
    assert report.judged > SWITCHES * 10, str(report)
    assert min(report.colors["blue"], report.colors["green"]) > SWITCHES * 10, str(report)
    wait_until(lambda: program.in_flight() == 0, timeout=5, what="in flight back to 0")


@pytest.mark.system
def test_the_next_request_after_a_switch_goes_to_the_new_color(program: Program) -> None:
    """One client that switches and then asks, kept connection and new one, never sees the old color."""
    mix = dataclasses.replace(NOBODY, keep_alive=1, one_shot=1, pause=0)
    with Load(program.door, mix, color="blue") as load:
        load.wait_for(20)
        for color in itertools.islice(itertools.cycle(("green", "blue")), 20):
            reply = program.switch(color)
            load.switched(color, begun=reply.begun, answered=reply.answered)
            load.wait_for(20)
        report = load.stop()
    print(report)
    assert not report.breaches(), str(report)
    assert report.judged > 200, str(report)


@pytest.mark.system
def test_killing_the_old_color_once_it_is_drained_is_safe(program: Program, fleet: Fleet) -> None:
    """``?wait=drained`` means what it says: the old upstreams are killed right after it, and no request fails."""
    with Load(program.door, color="blue") as load:
        load.wait_for(200)
        for color, old in (("green", fleet.blue), ("blue", fleet.green), ("green", fleet.blue)):
            program.wait_healthy()
            reply = program.switch(color, query="?wait=drained")
            load.switched(color, begun=reply.begun, answered=reply.answered)
            for upstream in old:
                upstream.kill()
            load.wait_for(200)
            for upstream in old:
                upstream.restart()
        report = dataclasses.replace(load.stop(), duplicates=fleet.duplicates())
    print(report)
    assert not report.breaches(), str(report)
    assert report.judged > 500, str(report)
