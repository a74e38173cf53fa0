"""Both logs of the real program: lines that belong together, and a rotation that loses none."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.client import Address
from tests.harness.fleet import Fleet
from tests.harness.processes import wait_until
from tests.harness.program import Program

REQUESTS = 40


@pytest.fixture
def program(tmp_path: Path, fleet: Fleet) -> Iterator[Program]:
    """The front door with its log in a file, and with answers that tell how they were made."""
    program = Program(tmp_path, fleet)
    program.config["access_log"] = {"format": "json", "path": str(tmp_path / "access.log")}
    program.config["response_headers"] = {"server_timing": True, "color": True}
    program.write_config()
    with program:
        program.wait_healthy()
        yield program


@pytest.mark.system
@pytest.mark.paced
def test_the_log_is_rotated_and_speaks_the_language_of_events(program: Program, tmp_path: Path) -> None:
    """After a rename and USR1 lines go to a new file, each request has its line in one of both, and the ids of
    operations and the names of fields are those of the events on standard error.
    """
    log, old = tmp_path / "access.log", tmp_path / "access.log.1"
    for number in range(REQUESTS):
        if number == REQUESTS // 2:
            log.rename(old)
            program.send_signal(signal.SIGUSR1)
            wait_until(log.exists, timeout=10, what="a new file")
            program.switch("green")
        headers = _get(program.door, f"/{number}")
        assert headers["X-Bluegreen"].startswith(f"color={'green' if number >= REQUESTS // 2 else 'blue'}; ")
        assert "upstream;dur=" in headers["Server-Timing"]
    wait_until(lambda: len(_lines(log)) + len(_lines(old)) == REQUESTS, timeout=10, what="all")
    lines = _lines(old) + _lines(log)
    assert {line["target"] for line in lines} == {f"/{number}" for number in range(REQUESTS)}
    moved = {line["generation"] for line in lines if line["color"] == "green"}
    assert min(moved) > max(line["generation"] for line in lines if line["color"] == "blue")
    events = [json.loads(line) for line in program.log(1_000_000).splitlines() if line.startswith("{")]
    (started,) = (event for event in events if event["event"] == "operation_started")
    assert {line["operation"] for line in lines} <= {"", started["operation"]}
    for name in ("ts", "event", "service", "color", "operation"):
        assert all(isinstance(line[name], str) for line in (*lines, started)), name


def _get(address: Address, target: str) -> http.client.HTTPMessage:
    """The headers of a good answer, over a connection of its own."""
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        return answer.headers
    finally:
        connection.close()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
