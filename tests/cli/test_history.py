from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Run
from tests.cli.program import started
from tests.cli.scripted import Answer, Script, entry

HISTORY = "/v1/history"


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times are shown in the time zone of who looks."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_newest_last(run: Run, admin: Script) -> None:
    """As in a log; what was changed is told in words."""
    newest = entry(2, action="rollback", reason="errors", changes=[])
    admin.on("GET", HISTORY, Answer({"entries": [newest, entry(1)]}))
    heading, first, second = run("history").stdout.splitlines()
    assert heading.split() == ["when", "who", "what", "service", "change", "why"]
    assert first.split("  ")[0] == "2023-11-14 22:13:21"
    assert re.split(" {2,}", first)[1:] == ["local", "switch", "default", "green 0 % -> 100 %"]
    assert re.split(" {2,}", second)[1:] == ["local", "rollback", "default", "it was so already", "errors"]


def test_nothing_yet(run: Run, admin: Script) -> None:
    """Only the headings."""
    admin.on("GET", HISTORY, Answer({"entries": []}))
    assert run("history").stdout.split() == ["when", "who", "what", "service", "change", "why"]


def test_what_is_asked_for(run: Run, admin: Script) -> None:
    """So many, and those of one service."""
    admin.on("GET", HISTORY, Answer({"entries": []}))
    run("history", "--limit", "5", "--service", "a&b")
    assert admin.asked[0].path == f"{HISTORY}?limit=5&service=a%26b"
    assert run("history", "--limit", "0").exit_code == 2


def test_json_is_an_entry_a_line(run: Run, admin: Script) -> None:
    """Nothing else is between them."""
    admin.on("GET", HISTORY, Answer({"entries": [entry(2), entry(1)]}))
    lines = run("history", "--output", "json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [entry(1), entry(2)]


def test_following_misses_nothing(admin: Script) -> None:
    """However much happens between two looks, and though nobody answers for a while."""
    admin.on(
        "GET",
        HISTORY,
        Answer({"entries": [entry(1)]}),
        Answer(raw=b"bye", content_type="text/plain"),
        Answer({"entries": [entry(5), entry(4)]}),
        Answer({"entries": [entry(3), entry(2)]}),
        Answer({"entries": [entry(5), entry(4), entry(3)]}),
    )
    with started("history", "--follow", "--output", "json", "--admin", admin.address) as process:
        assert process.stdout is not None
        assert [json.loads(process.stdout.readline())["id"] for _ in range(5)] == [1, 2, 3, 4, 5]
    assert any(asked.path.endswith("&before=4") for asked in admin.asked)


def test_following_a_history_that_is_empty(admin: Script) -> None:
    """What comes first is shown."""
    admin.on("GET", HISTORY, Answer({"entries": []}), Answer({"entries": [entry(1)]}))
    with started("history", "--follow", "--output", "json", "--admin", admin.address) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == 1
