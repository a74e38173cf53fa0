"""Holds and exclusive switches under load: requests wait, two versions never serve at once, nothing is lost."""

from __future__ import annotations

import dataclasses
import itertools
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.harness.fleet import Fleet, UpstreamProcess
from tests.harness.load import Load
from tests.harness.mix import Mix
from tests.harness.processes import wait_until
from tests.harness.program import SERVICE, Program, Reply

SHOP = f"/v1/services/{SERVICE}"
MIX = Mix(websockets=0, events=0)
"""Without what an exclusive switch tells to end."""

EXCLUSIVE = {"mode": "exclusive", "max_wait": "10s"}


def worked(upstreams: list[UpstreamProcess]) -> list[tuple[float, float]]:
    """When any of them worked at a request: from, to."""
    return [interval for upstream in upstreams for interval in upstream.times()]


def overlaps(ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The intervals of ours at the beginning or within which one of theirs was under way."""
    begun = sorted([(*interval, 0) for interval in ours] + [(*interval, 1) for interval in theirs])
    found, latest = [], [0.0, 0.0]
    for start, end, side in begun:
        if latest[1 - side] > start:
            found.append((start, end))
        latest[side] = max(latest[side], end)
    return found


@contextmanager
def calling(program: Program, method: str, path: str, body: object) -> Iterator[list[Reply]]:
    """A call that takes its time, made in a thread; the list has its answer in the end."""
    replies: list[Reply] = []

    def call() -> None:
        try:
            replies.append(program.admin(method, path, body))
        except OSError:
            return  # the program was killed meanwhile

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield replies
    finally:
        thread.join()


@pytest.mark.system
@pytest.mark.paced
def test_never_two_versions_at_once(program: Program, fleet: Fleet) -> None:
    """By the upstreams' own clocks no request of one color was under way while one of the other was; 0 failed."""
    held = 0
    with Load(program.door, MIX, color="blue") as load:
        load.wait_for(200)
        for color in itertools.islice(itertools.cycle(("green", "blue")), 6):
            reply = program.admin("POST", f"{SHOP}/switch?wait=drained", {"to": color, **EXCLUSIVE})
            assert (reply.status, reply.body["state"]) == (200, "succeeded"), f"{reply}\n{program.log()}"
            receipt = reply.body["receipt"]
            assert (receipt["dropped"], receipt["cut_by_proxy"], receipt["held_too_long"]) == (0, 0, 0), receipt
            assert receipt["in_flight_at_flip"] == receipt["finished_on_old"], receipt
            held += receipt["held"]
            load.switched(color, begun=reply.begun, answered=reply.answered)
            load.wait_for(100)
        report = dataclasses.replace(load.stop(), duplicates=fleet.duplicates())
    print(report, f"{held} held")
    assert not report.breaches(), str(report)
    assert held > 20
    blue, green = worked(fleet.blue), worked(fleet.green)
    assert min(len(blue), len(green)) > 200
    assert overlaps(blue, green) == []


@pytest.mark.system
@pytest.mark.paced
def test_an_instant_switch_has_two_versions_at_once(program: Program, fleet: Fleet) -> None:
    """The proof of the test above proves something: without the hold the same intervals do overlap."""
    with Load(program.door, MIX, color="blue") as load:
        load.wait_for(200)
        for color in itertools.islice(itertools.cycle(("green", "blue")), 4):
            program.switch(color, query="?wait=drained")
            load.wait_for(100)
        load.stop()
    assert overlaps(worked(fleet.blue), worked(fleet.green))


@pytest.mark.system
@pytest.mark.paced
def test_what_was_held_is_answered(program: Program, fleet: Fleet) -> None:
    """Nothing reaches an upstream while it is held; released, each connection has its answers in order, 0 failed."""
    with Load(program.door, MIX, color="blue") as load:
        load.wait_for(200)
        begun = program.admin("POST", f"{SHOP}/hold", {"max_wait": "10s"})
        assert begun.status == 200, begun
        wait_until(lambda: program.in_flight() == 0, timeout=5, what="what was in flight to end")
        wait_until(lambda: program.service()["held"] == MIX.clients, timeout=5, what="every client to wait")
        assert program.service()["state"] == "held"
        assert program.metric("bluegreen_held_requests") == MIX.clients
        drained = time.monotonic()
        released = program.admin("POST", f"{SHOP}/release")
        assert (released.status, released.body["state"]) == (200, "succeeded"), released
        assert released.body["receipt"]["held"] >= MIX.clients
        assert released.body["receipt"]["held_too_long"] == 0
        load.wait_for(200)
        report = dataclasses.replace(load.stop(), duplicates=fleet.duplicates())
    print(report)
    assert not report.breaches(), str(report)
    assert not [each for each in worked(fleet.blue) if begun.answered < each[0] < drained]
    assert program.service()["held"] == 0


@pytest.mark.system
@pytest.mark.paced
def test_a_killed_supervisor_leaves_nobody_waiting(program: Program, fleet: Fleet) -> None:
    """kill -9 while an exclusive switch holds: its workers let go to the old color at once, and a restart says so."""
    mix = dataclasses.replace(MIX, keep_alive=12)
    with Load(program.door, mix, color="blue") as load:
        load.wait_for(200)
        fleet.blue[0].freeze()  # so that something stays in flight
        body = {"to": "green", **EXCLUSIVE}
        with calling(program, "POST", f"{SHOP}/switch", body) as replies:
            wait_until(lambda: program.service()["held"] > 5, timeout=5, what="requests to be held")
            program.send_signal(signal.SIGKILL)
            program.process.wait(5)
        assert replies == []
        fleet.blue[0].thaw()
        load.wait_for(200)
        program.start()
        load.wait_for(200)
        service = program.service()
        assert (service["state"], service["live"], service["operation"]) == ("serving", "blue", None)
        ended = program.admin("GET", "/v1/operations/op-1").body
        assert ended["state"] == "failed"
        assert "the program was stopped before the old color had drained" in ended["note"]
        report = dataclasses.replace(load.stop(), duplicates=fleet.duplicates())
    print(report)
    assert not report.breaches(), str(report)
    assert worked(fleet.green) == []
