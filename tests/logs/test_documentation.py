"""The page about logs knows every line that can be written, and every key of it."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from proxy.dataplane.log_lines import AT_ONCE, NOWHERE, json_line
from proxy.logs.events import LogEvent

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
ACCESS, EVENTS = PAGE.split("\n## Events\n")

TOLD = {
    match[1]: set(re.findall(r"`(\w+)`", match[2]))
    for match in re.finditer(r"^\| `(\w+)` \|([^|\n]*)\|[^|\n]*\|$", EVENTS, re.MULTILINE)
}


def written() -> list[tuple[str, str, str]]:
    """Each event with each key that is written out where the program tells it, and the place."""
    found = []
    for path in sorted((ROOT / "proxy").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            names = [each.attr for each in node.args if isinstance(each, ast.Attribute) and _is_event(each)]
            found += [(LogEvent[name].value, key.arg, path.name) for name in names for key in node.keywords if key.arg]
    return found


def _is_event(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "LogEvent"


def test_every_event_is_on_the_page_and_no_other() -> None:
    """Alerts are built from this list."""
    assert set(TOLD) == {event.value for event in LogEvent}


def test_every_key_of_an_event_is_on_the_page() -> None:
    """Wherever in the program it is told."""
    found = written()
    assert len(found) > 50
    assert [(event, key, place) for event, key, place in found if key not in TOLD[event]] == []


@pytest.mark.parametrize("event", ["operation_ended", "operation_started", "changed"])
def test_what_belongs_to_an_operation_names_it(event: str) -> None:
    """By the same keys as a line of the access log."""
    assert {"service", "operation"} <= TOLD[event]


def test_every_key_of_a_request_is_on_the_page_in_its_order() -> None:
    """And no other."""
    said = (b"", b"", b"", b"", b"", b"", b"", b"")
    line = json.loads(json_line(0.0, said, 11, 200, 0, 0, AT_ONCE, NOWHERE, 0, ""))
    assert re.findall(r"^\| `(\w+)` \|", ACCESS, re.MULTILINE) == list(line)
