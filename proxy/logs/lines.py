"""How one event looks as a line: JSON for machines, words for people. Neither lets a control character through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from proxy.logs.events import Level, LogEvent

Field = str | int | float | bool | None | list[str]
"""What may stand behind an event's name."""

LONGEST = 4096
"""Bytes of a line: what a pipe takes in one piece (PIPE_BUF), so that lines of several processes never mix."""

_LONGEST_TEXT = 1024


def json_line(at: float, level: Level, event: LogEvent, fields: Mapping[str, Field]) -> bytes:
    """The event as one JSON object. ``at`` is Unix seconds."""
    line = _json({"ts": _timestamp(at), "level": level.value, "event": event.value, **fields})
    if len(line) >= LONGEST:
        shorter = {name: _shortened(value) for name, value in fields.items()}
        line = _json({"ts": _timestamp(at), "level": level.value, "event": event.value, **shorter})
    return line.encode("ascii") + b"\n"


def human_line(at: float, level: Level, event: LogEvent, fields: Mapping[str, Field]) -> bytes:
    """The event as a person reads it. ``at`` is Unix seconds; the time is shown in UTC."""
    clock = _timestamp(at)[11:23]
    words = "".join(f" {name}={_readable(value)}" for name, value in fields.items() if value is not None)
    text = f"{clock} {level.value:<7} {event.value}{words}"
    return text.encode("utf-8", "backslashreplace")[: LONGEST - 1] + b"\n"


def _timestamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(value: object) -> str:
    # json escapes all that is not ASCII, and every control character but DEL.
    return json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")


def _shortened(value: Field) -> Field:
    if isinstance(value, list):
        value = ", ".join(value)
    return value[:200] + "..." if isinstance(value, str) and len(value) > 200 else value


def _readable(value: Field) -> str:
    if isinstance(value, list):
        return ",".join(_readable(item) for item in value)
    if not isinstance(value, str):
        return f"{value:.3f}" if isinstance(value, float) else str(value).lower()
    text = value[:_LONGEST_TEXT]
    plain = text.isprintable() and text and not any(character in text for character in ' "=')
    return text if plain else _quoted(text)


def _quoted(text: str) -> str:
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in inner) + '"'
