from __future__ import annotations

import pytest

from proxy.cli.wording import change_words, counted


@pytest.mark.parametrize(
    ("path", "before", "after", "words"),
    [
        ("split.green", 0.0, 12.5, "green 0 % -> 12.5 %"),
        ("pools.green.127.0.0.1:9101", None, "weight 1, ready", "green 127.0.0.1:9101 added (weight 1, ready)"),
        ("pools.green.127.0.0.1:9101", "weight 1, ready", None, "green 127.0.0.1:9101 removed"),
        ("pools.blue.[::1]:9001.weight", 1, 0, "blue [::1]:9001 weight 1 -> 0"),
        ("pools.blue.app.example:9001.admin", "ready", "drain", "blue app.example:9001 admin ready -> drain"),
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
