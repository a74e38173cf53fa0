"""A browser, and a running front door with a load, shared by the tests of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.harness.fleet import Fleet
from tests.harness.program import Program
from tests.system.page.visitor import Visitor, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Not for longer than one file: as long as it is there, no test of this process can have a loop."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the tests of one file."""
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def fleet(place: Path) -> Iterator[Fleet]:
    """Two blue and two green upstreams."""
    fleet = Fleet(place)
    yield fleet
    fleet.stop()


@pytest.fixture(scope="module")
def program(place: Path, fleet: Fleet) -> Iterator[Program]:
    """The front door; blue is live and every upstream is known to be healthy."""
    with Program(place, fleet) as program:
        program.wait_healthy()
        yield program


@pytest.fixture
def visit(browser: Browser, program: Program) -> Iterator[Callable[..., Visitor]]:
    """Opens windows of the browser. At the end, none of them may have had anything to complain of."""
    visitors: list[Visitor] = []

    def visit(path: str = "/", **options: Any) -> Visitor:
        visitors.append(Visitor(browser, program, **options))
        visitors[-1].open(path)
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []
