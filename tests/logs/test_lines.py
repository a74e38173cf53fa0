from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from proxy.logs.events import Level, LogEvent
from proxy.logs.lines import LONGEST, Field, human_line, json_line

AT = 1_700_000_000.25


def test_json_line_holds_time_level_event_and_fields() -> None:
    """A machine finds the same four things in every line."""
    line = json.loads(json_line(AT, Level.WARNING, LogEvent.WORKER_EXITED, {"worker": 7, "status": "SIGKILL"}))

    assert line == {
        "ts": "2023-11-14T22:13:20.250Z",
        "level": "warning",
        "event": "worker_exited",
        "worker": 7,
        "status": "SIGKILL",
    }


def test_human_line_is_short_and_quotes_what_has_spaces() -> None:
    """A person sees the time, the level, the name and readable fields; what is not known is left out."""
    fields: dict[str, Field] = {"upstream": "127.0.0.1:9001", "error": "no answer", "seconds": 0.25, "cut": None}

    line = human_line(AT, Level.INFO, LogEvent.UPSTREAM_UNHEALTHY, fields)

    assert line == b'22:13:20.250 info    upstream_unhealthy upstream=127.0.0.1:9001 error="no answer" seconds=0.250\n'


@given(st.text(max_size=5000))
def test_no_control_character_gets_through(text: str) -> None:
    """Whatever a field holds, a line is one line, of bounded length, and cannot move a terminal's cursor."""
    for make in (json_line, human_line):
        line = make(AT, Level.ERROR, LogEvent.START_FAILED, {"error": text, "listen": [text]})

        assert len(line) <= LONGEST
        assert line.endswith(b"\n")
        assert not any(byte < 32 or byte == 127 for byte in line[:-1])
        assert "\x9b" not in line.decode("utf-8", "ignore")


@given(st.text())
def test_json_line_is_json_whatever_the_text(text: str) -> None:
    """A reader of the log never meets a broken line, and short values come back as they were."""
    line = json.loads(json_line(AT, Level.ERROR, LogEvent.START_FAILED, {"error": text}))

    assert line["error"] == text or line["error"].endswith("...")
