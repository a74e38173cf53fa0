"""A rolling deployment with a program that is really run, and the front door stopped in the middle of it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.harness.load import Load
from tests.harness.processes import wait_until
from tests.harness.program import SERVICE, Program

QUICK = {
    "health": {"consecutive": 1, "timeout": "10s"},
    "slow_start": "0s",
    "watch": "0s",
    "min_available": 1,
}


def hook(folder: Path, lines: str) -> Path:
    """A program that does this."""
    file = folder / "update"
    file.write_text(f"#!/bin/sh\n{lines}\n")
    file.chmod(0o755)
    return file


@pytest.mark.system
def test_a_rollout_goes_on_after_a_stop_in_its_hook(program: Program, tmp_path: Path) -> None:
    """The hook ends with the program, and is run again by the next one; no request fails meanwhile."""
    told, go = tmp_path / "told", tmp_path / "go"
    waiting = hook(tmp_path, f'echo "$BLUEGREEN_UPSTREAMS" >> {told}\nwhile [ ! -e {go} ]; do sleep 0.05; done')
    program.config["hooks"] = {"commands": [str(waiting)]}
    program.write_config()
    assert program.admin("POST", "/v1/reload").status == 200
    blue = [each["address"] for each in program.service()["pools"]["blue"]["upstreams"]]
    plan = {**QUICK, "update": {"command": {"argv": [str(waiting)]}}}
    started = program.admin("POST", f"/v1/services/{SERVICE}/pools/blue/rollouts", plan)
    assert started.status == 202, started
    wait_until(told.exists, timeout=10, what="the hook")
    program.send_signal(signal.SIGTERM)
    assert program.process.wait(15) == 0, program.log()
    program.start()
    with Load(program.door, color="blue") as load:
        load.wait_for(50)
        go.touch()
        operation = f"/v1/operations/{started.body['id']}"
        wait_until(lambda: _state(program, operation) == "succeeded", timeout=20, what=program.log)
        report = load.stop()
    assert not report.troubles, str(report)
    assert told.read_text().splitlines() == [blue[0], *blue]


def _state(program: Program, operation: str) -> Any:
    return program.admin("GET", operation).body["state"]
