"""People decide: a rollout by hand, paused, promoted, aborted, of the idle color, and beside a shift."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.harness.load import Load
from tests.harness.mix import Mix
from tests.harness.processes import Process, wait_until
from tests.harness.program import SERVICE, Program
from tests.harness.servers import Servers
from tests.system.rolling import guests, in_rotation, kept_out, stages, start_roll, wait_between, wait_stage
from tests.system.shifts import command, start_shift, steer, wait_over, wait_paused

MIX = Mix(keep_alive=3, one_shot=1, posts=2, uploads=0, slow=2, streams=0, websockets=0, events=0, pause=0.05)
OK, ANOTHER_END, REFUSED = 0, 1, 4
"""Exit codes of the command."""

QUICKLY = ("--first-watch=0s", "--drain-timeout=1s", "--health-consecutive=1", "--slow-start=0s", "--watch=0s")


def _done(process: Process, output: Path, code: int, *, within: float = 30.0) -> str:
    assert process.wait(within) == code, output.read_text()
    return output.read_text()


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("servers", [{"blue": 4}], indirect=True, ids=["four"])
def test_an_operator_updates_servers_by_hand(door: Program, servers: Servers, tmp_path: Path) -> None:
    """`bluegreen roll` takes two out; each comes back when `bluegreen ready` says so, one at another address. Paused,
    it begins no other batch; resumed, it ends with the last one; 0 failed requests."""
    output, said = tmp_path / "roll.out", tmp_path / "ready.out"
    with Load(door.door, MIX) as load:
        load.wait_for(50)
        roll = command(door, output, "roll", "blue", "--batch=2", "--first-batch=2", *QUICKLY)
        wait_until(lambda: door.service()["operation"], timeout=10, what=lambda: f"a rollout: {output.read_text()}")
        wait_stage(door, "op-1", "updating")
        first, second = servers.blue[:2]
        assert kept_out(door) == [first.address, second.address]
        servers.start("v2", first)
        _done(command(door, said, "ready", first.address), said, OK)
        assert stages(door, "op-1")[1] == "updating"
        second.kill()
        servers.start("v2", moved := servers.elsewhere())
        _done(command(door, said, "pause"), said, OK)
        _done(command(door, said, "ready", second.address, "--at", moved.address), said, OK)
        assert wait_between(door, "op-1")[:2] == ["done"] * 2
        assert wait_paused(door, "op-1")["rollout"]["hindrance"] == "operator"
        assert kept_out(door) == []
        _done(command(door, said, "resume"), said, OK)
        wait_stage(door, "op-1", "updating", batch=2)
        servers.start("v2", *servers.blue[2:])
        for server in servers.blue[2:]:
            _done(command(door, said, "ready", server.address), said, OK)
        _done(roll, output, OK)
        report = dataclasses.replace(load.stop(), duplicates=servers.duplicates())
    assert not report.breaches(), str(report)
    assert servers.unfinished() == []
    assert in_rotation(door.service()) == 4


@pytest.mark.system
@pytest.mark.paced
def test_an_abort_finishes_the_batch_and_begins_no_other(door: Program, servers: Servers, tmp_path: Path) -> None:
    """While the hook is at work: its server comes back as v2, all others are as they were, WebSockets on them live
    on, and the command that waited says that it was aborted."""
    output, said = tmp_path / "roll.out", tmp_path / "abort.out"
    with guests(door, websockets=12) as came, Load(door.door, MIX) as load:
        wait_until(lambda: len(came.sessions) == 12, timeout=10, what="every WebSocket")
        hook = shlex.join(servers.update(pause=0.5)["command"]["argv"])
        roll = command(door, output, "roll", "blue", "--hook", hook, "--to-version=v2", *QUICKLY)
        wait_until(lambda: door.service()["operation"], timeout=10, what=lambda: f"a rollout: {output.read_text()}")
        wait_stage(door, "op-1", "updating")
        _done(command(door, said, "abort"), said, OK)
        assert "aborted" in _done(roll, output, ANOTHER_END)
        load.wait_for(50)
        report = dataclasses.replace(load.stop(), duplicates=servers.duplicates())
    assert not report.breaches(), str(report)
    assert kept_out(door) == []
    assert [server.starts for server in servers.blue] == [["v1", "v2"], *[["v1"]] * 5]
    ended = [session.server for session in came.sessions if session.how]
    assert set(ended) <= {str(servers.blue[0].port)}, came.sessions
    assert came.troubles == []


@pytest.mark.system
@pytest.mark.paced
def test_the_idle_color_is_updated_without_waiting(door: Program, servers: Servers) -> None:
    """Nobody is there: all of it may go out at once, nothing is drained or warmed, and the live color is untouched."""
    with Load(door.door, MIX, color="blue") as load:
        plan: dict[str, Any] = {
            "batch": "100%",
            "first_batch": {"size": "100%", "watch": "0s"},
            "slow_start": "0s",
            "watch": "0s",
        }
        over = wait_over(door, start_roll(door, "green", update=servers.update(), **plan))
        load.wait_for(50)
        report = dataclasses.replace(load.stop(), duplicates=servers.duplicates())
    assert over["state"] == "succeeded"
    assert over["receipt"]["in_flight_at_flip"] == 0
    assert [server.starts for server in servers.green] == [["v1", "v2"]]
    assert [server.starts for server in servers.blue] == [["v1"]] * 6
    assert not report.breaches(), str(report)


@pytest.mark.system
@pytest.mark.paced
def test_rollouts_and_shifts_refuse_each_other(door: Program, servers: Servers, tmp_path: Path) -> None:
    """While traffic moves no server of the live color is taken out, and while one is out no traffic moves there: 409,
    exit code 4, and both say which operation is in the way."""
    said = tmp_path / "said.out"
    shift = start_shift(door, steps=[{"percent": 10, "pause": None}], judge=False)
    wait_paused(door, shift)
    reply = door.admin("POST", f"/v1/services/{SERVICE}/pools/blue/rollouts", {"update": "manual"})
    assert (reply.status, reply.body["code"], reply.body["operation"]) == (409, "operation_running", shift), reply
    assert shift in _done(command(door, said, "roll", "blue"), said, REFUSED)
    steer(door, shift, "abort")
    wait_until(lambda: door.service()["operation"] is None, timeout=10, what="end of the shift")
    roll = start_roll(door, update="manual")
    wait_stage(door, roll, "updating")
    reply = door.admin("POST", f"/v1/services/{SERVICE}/shift", {"to": "green", "over": "10s"})
    assert (reply.status, reply.body["code"], reply.body["operation"]) == (409, "operation_running", roll), reply
    said.write_text("")
    assert roll in _done(command(door, said, "shift", "green", "--over", "10s"), said, REFUSED)
    steer(door, roll, "abort")
    assert wait_over(door, roll)["state"] == "aborted"
    assert kept_out(door) == []
