"""Many upstreams and a long history: what is shown of them at a time has an end."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.harness.fleet import Fleet
from tests.harness.program import Program
from tests.system.page.visitor import Visitor

pytestmark = [pytest.mark.system, pytest.mark.paced, pytest.mark.xdist_group("large")]

Visit = Callable[..., Visitor]

UPSTREAMS = 1_000
ROWS = 10_000
A_SCREEN = 60
"""More rows than that are not shown at once."""


@pytest.fixture(scope="module")
def program(place: Path, fleet: Fleet) -> Iterator[Program]:
    """The front door with a thousand blue upstreams, few of which are there, and a history of ten thousand entries."""
    program = Program(place, fleet)
    with program:
        pass  # it has made its file, in which history can be made up now
    with closing(sqlite3.connect(place / "state.db")) as db, db:
        columns = "at, by, reason, service, action, operation, changes, generation, revision"
        row = db.execute(f"SELECT {columns} FROM journal").fetchone()
        db.executemany(f"INSERT INTO journal ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [row] * ROWS)
    absent = [f"127.0.{number // 250}.{number % 250 + 1}:9" for number in range(UPSTREAMS - len(fleet.blue))]
    program.service_config["pools"]["blue"]["upstreams"] += absent
    program.service_config["health"]["interval"] = "30s"
    program.write_config()
    with program:
        yield program


def test_a_thousand_upstreams_are_paged_and_found(visit: Visit) -> None:
    """A page of them at a time, the next by a link, and any of them by its address."""
    visitor = visit("/")
    page = visitor.page
    rows = page.locator("#upstreams-blue tbody tr")
    assert 0 < rows.count() <= A_SCREEN
    expect(page.locator("#upstreams-blue .pager")).to_contain_text("of 1000")
    first = rows.first.inner_text()
    page.get_by_role("navigation", name="Pages of blue upstreams").get_by_role("link", name="Next").click()
    expect(rows.first).not_to_have_text(first)
    page.get_by_label("Find an address").fill("127.0.3.201")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("127.0.3.201:9")


def test_a_long_history_is_paged(visit: Visit) -> None:
    """A page of it at a time, older ones by a link, and back to the newest."""
    visitor = visit("/history")
    rows = visitor.page.locator("#entries tbody tr")
    assert 0 < rows.count() <= A_SCREEN
    visitor.page.get_by_role("link", name="Older").click()
    expect(visitor.page.get_by_role("link", name="Newest")).to_be_visible()
    assert 0 < rows.count() <= A_SCREEN
