"""How error messages speak of values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST = 60


def described(value: object) -> str:
    """A value in the words of someone who writes YAML, short enough for one line."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + "..." + text[-1]


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, if one is near."""
    matches = difflib.get_close_matches(word.lower(), list(known), n=1)
    return matches[0] if matches else None


def listing(words: Iterable[str], *, last: str = "or") -> str:
    """``a, b or c``."""
    *most, final = words
    return f"{', '.join(most)} {last} {final}" if most else final
