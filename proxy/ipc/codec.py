"""Messages as bytes: one JSON object a line, ``type`` naming the message and a member for each of its fields.

Both ends are of one version, so a member too many is as wrong as one too few.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from proxy.ipc.messages import Cut, Message, Ready, ReopenLogs, Seen, SpanNote, Spans, Stop, Stopped, Suspect, Wake
from proxy.traffic.spec import Color

MAX_LINE = 64 * 1024
"""Bytes of the longest line, without its end."""


class CodecError(Exception):
    """Bytes that stand for no message, or a message that does not fit in a line."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise CodecError(f"{value!r} is no text")
    return value


def _optional_text(value: object) -> str | None:
    return None if value is None else _text(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise CodecError(f"{value!r} is no number of things")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= sys.float_info.max:
        raise CodecError(f"{value!r} is no time in seconds")
    return float(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise CodecError(f"{value!r} is neither true nor false")
    return value


def _color(value: object) -> Color:
    try:
        return Color(_text(value))
    except ValueError:
        raise CodecError(f"{value!r} is no color") from None


_NOT_TEXT: Mapping[str, Callable[[object], object]] = {
    **dict.fromkeys(("began", "asked", "ended"), _seconds),
    **dict.fromkeys(("version", "status", "attempts", "generation"), _whole),
}
_NOTE_FORM = tuple(_NOT_TEXT.get(name, _text) for name in SpanNote._fields)
"""For each part of a note, in order, what reads it."""


def _notes(value: object) -> tuple[SpanNote, ...]:
    if not isinstance(value, list | tuple):
        raise CodecError(f"{value!r} are no notes")
    return tuple(map(_note, value))


def _note(value: object) -> SpanNote:
    if not isinstance(value, list | tuple) or len(value) != len(_NOTE_FORM):
        raise CodecError(f"{value!r} is no note of a request")
    return SpanNote._make([read(part) for read, part in zip(_NOTE_FORM, value, strict=True)])


@dataclass(frozen=True, slots=True)
class _Form:
    """One message type, with what turns the JSON value of each field into the field."""

    type: Callable[..., Message]
    fields: Mapping[str, Callable[[object], object]]


_FORMS: Mapping[str, _Form] = {
    "wake": _Form(Wake, {}),
    "stop": _Form(Stop, {"grace": _seconds}),
    "reopen_logs": _Form(ReopenLogs, {}),
    "cut": _Form(
        Cut,
        {
            "service": _text,
            "color": _color,
            "generation": _whole,
            "tunnels": _flag,
            "address": _optional_text,
            "spread": _seconds,
        },
    ),
    "ready": _Form(Ready, {}),
    "seen": _Form(Seen, {"generation": _whole}),
    "suspect": _Form(Suspect, {"service": _text, "color": _color, "address": _text, "reason": _text}),
    "spans": _Form(Spans, {"notes": _notes}),
    "stopped": _Form(Stopped, {"unfinished": _whole}),
}
_TAGS: Mapping[Callable[..., Message], str] = {form.type: tag for tag, form in _FORMS.items()}


def encode(message: Message) -> bytes:
    """The line for a message, with its end.

    Raises:
        CodecError: a field holds what the peer would refuse, or the line would be longer than ``MAX_LINE``.
    """
    tag = _TAGS[type(message)]
    members = {name: read(getattr(message, name)) for name, read in _FORMS[tag].fields.items()}
    line = json.dumps({"type": tag, **members}, separators=(",", ":")).encode("ascii")
    if len(line) > MAX_LINE:
        raise CodecError(f"a {tag} message of {len(line)} bytes is too long for a line of {MAX_LINE}")
    return line + b"\n"


def decode(line: bytes) -> Message:
    """The message that a line without its end stands for. Raises :class:`CodecError`."""
    try:
        members = json.loads(line)
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, a number or a nesting beyond all bounds
        raise CodecError(f"not JSON: {line[:80]!r}") from error
    if not isinstance(members, dict):
        raise CodecError(f"no JSON object: {line[:80]!r}")
    tag = members.pop("type", None)
    form = _FORMS.get(tag) if isinstance(tag, str) else None
    if form is None or members.keys() != form.fields.keys():
        raise CodecError(f"no message has this shape: {line[:80]!r}")
    return form.type(**{name: read(members[name]) for name, read in form.fields.items()})


class Decoder:
    """Puts messages together from bytes that come in any pieces."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        """At the start of a line."""
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes.

        Raises:
            CodecError: a line is garbage or too long. What else was in ``data`` is given up with it, and the decoder is
                of no more use: who sends garbage is not worth another word.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if any(len(line) > MAX_LINE for line in (*lines, self._rest)):
            raise CodecError(f"a line is longer than {MAX_LINE} bytes")
        return [decode(line) for line in lines]
