from __future__ import annotations

import pytest

from proxy.wording.changes import change_words, entry_words
from proxy.wording.numbers import counted, left_words, took_words


@pytest.mark.parametrize(
    ("path", "before", "after", "words"),
    [
        ("split.green", 0.0, 12.5, "green 0 % -> 12.5 %"),
        ("pools.green.127.0.0.1:9101", None, "weight 1, ready", "green 127.0.0.1:9101 added (weight 1, ready)"),
        ("pools.green.127.0.0.1:9101", "weight 1, ready", None, "green 127.0.0.1:9101 removed"),
        ("pools.blue.[::1]:9001.weight", 1, 0, "blue [::1]:9001 weight 1 -> 0"),
        ("pools.blue.app.example:9001.admin", "ready", "drain", "blue app.example:9001 admin ready -> drain"),
        ("roll.blue", None, "6 servers", "6 servers of blue updated, some at a time"),
        ("roll.blue.[::1]:9001", "updating", "probing", "[::1]:9001 of blue is probing"),
        ("hook.ok", None, True, "the hook is through"),
        ("hook.ok", None, False, "the hook has failed"),
        ("hook.moved", "a:1", "b:2", "a:1 is at b:2 now"),
        ("hook.output", None, "first\nlast\n", "output: last"),
        ("course", "rolling", "restoring", "roll rolling -> restoring"),
        ("services.shop", False, True, "service shop added"),
        ("services.shop", True, False, "service shop removed"),
        ("services.shop", "rules as before", "new rules", "services.shop: rules as before -> new rules"),
    ],
)
def test_changes_in_words(path: str, before: object, after: object, words: str) -> None:
    """As an operator would say them."""
    assert change_words({"path": path, "before": before, "after": after}) == words


def test_one_and_many() -> None:
    """One request is no requests."""
    assert [counted(number, "request") for number in (0, 1, 2)] == ["0 requests", "1 request", "2 requests"]


@pytest.mark.parametrize(
    ("requests", "tunnels", "words"),
    [
        (0, 0, "0 requests, 0 long-lived left"),
        (3, 0, "3 requests, 0 long-lived left, cut in 9 s"),
        (0, 2, "0 requests, 2 long-lived left, cut in 279 s"),
        (1, 2, "1 request, 2 long-lived left, cut in 9 s and in 279 s"),
    ],
)
def test_what_is_left_and_until_when(requests: int, tunnels: int, words: str) -> None:
    """Only the deadlines of what is there are told."""
    progress = {"in_flight": requests, "tunnels": tunnels, "deadline_at": 1009.0, "tunnels_deadline_at": 1279.0}
    assert left_words(progress, 1000.0) == words
    assert "cut" not in left_words({**progress, "deadline_at": None, "tunnels_deadline_at": None}, 1000.0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.08, "80 ms"), (2.54, "2.54 s"), (59, "59 s"), (720, "12 min"), (3600, "1 h"), (3900, "1 h 5 min")],
)
def test_a_time_has_the_unit_that_fits(seconds: float, words: str) -> None:
    """No more figures than anybody reads."""
    assert took_words(seconds) == words


@pytest.mark.parametrize(
    ("by", "action", "operation", "words"),
    [
        ("ada", "switch", "op-1", "it was so already"),
        ("hook", "hook", "op-1", ""),
        ("program", "start", None, ""),
    ],
)
def test_an_entry_without_a_change(by: str, action: str, operation: str | None, words: str) -> None:
    """Who wanted what was so already is told that; a note of a hook wanted nothing."""
    assert entry_words({"by": by, "action": action, "operation": operation, "changes": []}) == words
