"""kill -9 in every state of a rollout: the same operation goes on where it was, and comes to its end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness.load import Load
from tests.harness.mix import Mix
from tests.harness.processes import wait_until
from tests.harness.program import Program
from tests.harness.report import outside
from tests.harness.servers import Servers
from tests.harness.steady import Steady
from tests.system.rolling import kept_out, stages, start_roll, wait_between, wait_stage
from tests.system.shifts import operation, steer, wait_over

MIX = Mix(keep_alive=2, one_shot=1, posts=2, uploads=0, slow=0, streams=0, websockets=0, events=0, pause=0.1)
FIRST, SECOND = ("draining", "updating", "probing"), ("warming", "watched")
"""Where it is killed in which batch."""

PLAN: dict[str, Any] = {
    "drain_timeout": "5s",
    "health": {"consecutive": 3, "timeout": "10s"},
    "slow_start": "600ms",
    "watch": "600ms",
}
"""It stays for long enough in each of them to be met there."""

Kill = Callable[[Program], None]


def _supervisor(program: Program) -> None:
    program.send_signal(signal.SIGKILL)
    program.process.wait(10)


def _everything(program: Program) -> None:
    program.kill_tree()


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("servers", [{"blue": 2}], indirect=True, ids=["two"])
@pytest.mark.parametrize("kill", [_supervisor, _everything])
def test_a_rollout_goes_on_after_a_kill(door: Program, servers: Servers, kill: Kill) -> None:
    """Draining, being updated, probed, warming, watched, and paused. Requests fail only when the workers were killed
    with it, and while nobody serves; no hook runs twice at once, and nobody is left out."""
    dark = []
    with Load(door.door, MIX) as load, Steady(door.door, rate=20, path="/slow?ms=500") as slow:
        wait_until(lambda: door.in_flight() > 7, timeout=10, what="slow requests")
        roll = start_roll(door, update=servers.update(pause=0.6), **PLAN)
        dark += [_killed_at(door, kill, roll, stage, servers, batch=1) for stage in FIRST]
        steer(door, roll, "pause")
        assert wait_between(door, roll) == ["done", "serving"]
        dark.append(_killed(door, kill))
        assert operation(door, roll)["rollout"]["hindrance"] == "operator"
        assert stages(door, roll) == ["done", "serving"]
        steer(door, roll, "resume")
        dark += [_killed_at(door, kill, roll, stage, servers, batch=2) for stage in SECOND]
        over = wait_over(door, roll)
        report, asked = load.stop(), slow.stop()
    assert over["state"] == "succeeded", over
    assert kept_out(door) == []
    assert {server.starts[-1] for server in servers.blue} == {"v2"}
    hooks = [words[0] for words in servers.hooks()]
    assert "overlap" not in hooks, servers.hooks()
    assert (hooks.count("begin"), hooks.count("end")) == (3, 2), f"one was broken off: {servers.hooks()}"
    cut = [each for each in asked if each.status != 200]
    if kill is _supervisor:
        assert not report.breaches(), str(report)
        assert cut == []
        assert servers.unfinished() == []
    else:
        assert not outside(report.troubles, dark), str(report)
        assert all(any(each.ended >= start and each.begun <= end for start, end in dark) for each in cut), cut


def _killed_at(
    program: Program, kill: Kill, roll: str, stage: str, servers: Servers, *, batch: int
) -> tuple[float, float]:
    wait_stage(program, roll, stage, batch=batch)
    if stage == "updating":  # not before the hook has stopped the server
        wait_until(lambda: servers.most_down() == 1, timeout=10, what="a hook at work")
    return _killed(program, kill)


def _killed(program: Program, kill: Kill) -> tuple[float, float]:
    """Kill it and start it again; from when to when it was away."""
    begun = time.monotonic()
    kill(program)
    program.start()
    return begun, time.monotonic()
