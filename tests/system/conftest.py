"""What system tests are given: running upstreams and a running front door, and the program's log when they fail."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.harness.fleet import Fleet
from tests.harness.program import Program
from tests.harness.servers import Servers
from tests.system.rolling import HOOK_SECRET


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Two blue and two green upstreams."""
    fleet = Fleet(tmp_path, blue=2, green=2)
    yield fleet
    fleet.stop()


@pytest.fixture
def program(tmp_path: Path, fleet: Fleet) -> Iterator[Program]:
    """The front door with two workers; blue is live and every upstream is known to be healthy."""
    with Program(tmp_path, fleet) as program:
        program.wait_healthy()
        yield program


@pytest.fixture
def servers(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Servers]:
    """Six blue servers and a green one that a hook can replace, unless the parameter says otherwise."""
    servers = Servers(tmp_path / "servers", **getattr(request, "param", {}))
    yield servers
    servers.stop()


@pytest.fixture
def door(tmp_path: Path, servers: Servers) -> Iterator[Program]:
    """The front door before these; it may run the hook, and signs what it tells."""
    secret = tmp_path / "secret"
    secret.write_bytes(HOOK_SECRET)
    secret.chmod(0o600)
    program = Program(tmp_path, servers)
    program.config["hooks"] = {"commands": [sys.executable]}
    program.config["gates"] = {"secret_file": str(secret)}
    program.write_config()
    with program:
        program.wait_healthy()
        yield program


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the program's log beside a failure."""
    report = yield
    programs = [each for each in getattr(item, "funcargs", {}).values() if isinstance(each, Program)]
    if report.failed and programs:
        report.sections.append(("log of the program", programs[0].log()))
    return report
