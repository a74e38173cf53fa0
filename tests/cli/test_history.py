from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.cli.conftest import Run
from tests.cli.program import started
from tests.cli.scripted import Answer, Script, entry, problem

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
    assert heading.split() == ["when", "who", "what", "operation", "service", "change", "why"]
    assert first.split("  ")[0] == "2023-11-14 22:13:21"
    assert re.split(" {2,}", first)[1:] == ["local", "switch", "op-1", "default", "green 0 % -> 100 %"]
    assert re.split(" {2,}", second)[1:] == ["local", "rollback", "op-2", "default", "it was so already", "errors"]


def test_nothing_yet(run: Run, admin: Script) -> None:
    """Only the headings."""
    admin.on("GET", HISTORY, Answer({"entries": []}))
    assert run("history").stdout.split() == ["when", "who", "what", "operation", "service", "change", "why"]


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


def kept(admin: Script, entries: list[dict[str, Any]]) -> None:
    """Answer as the admin API does from these entries, oldest first, which a test may add to."""

    def page() -> Answer:
        query = {key: value[0] for key, value in parse_qs(admin.asked[-1].path.partition("?")[2]).items()}
        before, limit = int(query.get("before", 10**9)), int(query["limit"])
        matching = [each for each in entries if query.get("service") in (None, each["service"])]
        return Answer({"entries": [each for each in reversed(matching) if each["id"] < before][:limit]})

    admin.on("GET", HISTORY, page)


def test_following_a_burst_and_a_new_beginning(admin: Script) -> None:
    """Ten thousand entries between two looks are all shown, once, in order, and with few calls. A front door that was
    given an empty store begins at 1 again, and what happens there is shown.
    """
    entries = [entry(1)]
    kept(admin, entries)
    with started("history", "--follow", "--output", "json", "--admin", admin.address) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == 1
        entries.extend([entry(number) for number in range(2, 10_002)])
        assert [json.loads(process.stdout.readline())["id"] for _ in range(10_000)] == list(range(2, 10_002))
        assert len(admin.asked) < 50
        entries[:] = [entry(1, action="start")]
        assert json.loads(process.stdout.readline())["action"] == "start"


def test_following_one_service(admin: Script) -> None:
    """Between its entries are those of others, which are neither shown nor asked for again and again."""
    entries = [entry(number, service="shop" if number % 50 == 0 else "other") for number in range(1, 501)]
    kept(admin, entries)
    options = ("--service", "shop", "--limit", "3", "--output", "json", "--admin", admin.address)
    with started("history", "--follow", *options) as process:
        assert process.stdout is not None
        assert [json.loads(process.stdout.readline())["id"] for _ in range(3)] == [400, 450, 500]
        entries.extend([entry(501, service="other"), entry(502, service="shop")])
        assert json.loads(process.stdout.readline())["id"] == 502
    assert all("before" not in asked.path for asked in admin.asked)


def test_following_through_trouble(admin: Script) -> None:
    """That nobody answers, or that the store does not, is said once, and once more when it is over. What comes then
    stands below the same columns.
    """
    good, bad = Answer({"entries": [entry(1, by="somebody-with-a-name")]}), problem(503, "store_unavailable")
    admin.on("GET", HISTORY, good, bad, bad, Answer({"entries": [entry(2), entry(1)]}))
    with started("history", "--follow", "--admin", admin.address) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        heading, _, later = (process.stdout.readline() for _ in range(3))
        said = [process.stderr.readline() for _ in range(2)]
    assert [later.index("switch"), later.index("green 0")] == [heading.index("what"), heading.index("change")]
    assert said == ["bluegreen: it is store_unavailable; trying again\n", "bluegreen: the history can be read again\n"]


def test_following_a_history_that_is_empty(admin: Script) -> None:
    """What comes first is shown."""
    admin.on("GET", HISTORY, Answer({"entries": []}), Answer({"entries": [entry(1)]}))
    with started("history", "--follow", "--output", "json", "--admin", admin.address) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == 1
