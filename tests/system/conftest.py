"""What system tests are given: running upstreams and a running front door, and the program's log when they fail."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.harness.fleet import Fleet
from tests.harness.program import Program


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the program's log beside a failure."""
    report = yield
    program = getattr(item, "funcargs", {}).get("program")
    if report.failed and isinstance(program, Program):
        report.sections.append(("log of the program", program.log()))
    return report
