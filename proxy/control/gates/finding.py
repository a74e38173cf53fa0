"""What one try of asking a gate has shown, and when to try again."""

from __future__ import annotations

import codecs
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

_BUSY = frozenset({408, 425, 429})
"""These say that later, or tried again, the answer may be another."""

_FIRST_REST, _LONGEST_REST = 0.5, 5.0
"""Seconds before the second try, and at most; doubled in between."""

LONGEST_WISH = 30.0
"""Seconds that ``Retry-After`` may make us wait: somebody waits for the shift."""

_LONGEST_LINE = 200
"""Characters that are quoted of an answer."""


class Verdict(enum.Enum):
    """What a try comes to."""

    GO = enum.auto()
    NO = enum.auto()
    AGAIN = enum.auto()
    """It was no answer, or none that will last."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one try has shown, with the reason in words."""

    verdict: Verdict
    detail: str
    retry_after: float | None = None
    """Seconds that it asked us to wait before another try."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, or its beginning if it was too long."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool


def by_status(reply: Reply, said: str, now: float) -> Finding:
    """What the status alone says.

    Args:
        reply: the answer.
        said: its reason in words, if it gave one.
        now: Unix time, for a ``Retry-After`` that names a moment.
    """
    detail = f"answered {reply.status}" + (f": {said}" if said else "")
    if 200 <= reply.status < 300:
        return Finding(Verdict.GO, detail)
    if 300 <= reply.status < 400:
        return Finding(Verdict.NO, f"answered {reply.status}; redirects are not followed")
    if reply.status in _BUSY or 500 <= reply.status < 600:
        return Finding(Verdict.AGAIN, detail, wish(reply.headers.get("Retry-After"), now))
    return Finding(Verdict.NO, detail)


def wish(text: str | None, now: float) -> float | None:
    """The seconds of a ``Retry-After`` (RFC 9110 10.2.3) at a Unix time, within reason; ``None`` if it says none."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WISH)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WISH)


def rest(tries: int, wished: float | None, longest: float = _LONGEST_REST) -> float:
    """Seconds between a try and the next, after so many tries; ``wished`` is what the gate asked for."""
    if wished is not None:
        return wished
    return min(_FIRST_REST * 2.0 ** min(tries - 1, 10), longest)


def first_line(body: bytes) -> str:
    """What an answer says in its first line, fit for logs and terminals; nothing if it is no text, or a web page."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(body).strip()  # may end within a character
    except UnicodeDecodeError:
        return ""
    if not text or text.startswith("<"):
        return ""
    return quoted(text.splitlines()[0])


def quoted(text: str) -> str:
    """Somebody else's words, printable and not too many."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text.strip())
    return shown if len(shown) <= _LONGEST_LINE else f"{shown[: _LONGEST_LINE - 1]}…"
