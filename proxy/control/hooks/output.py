"""What a program has printed, fit for a journal and a terminal."""

from __future__ import annotations

import re

_CONTROL_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
"""Colors, movements of the cursor, titles of windows (ECMA-48)."""

_BEGUN = re.compile(rb"\A[\x80-\xbf]{1,3}")
"""What is left of a character that began before."""


def harmless(last: bytes, *, printed: int) -> str:
    """Its end as text, without anything that a terminal would obey.

    Args:
        last: the last bytes of it.
        printed: how many bytes there were in all.
    """
    whole = _BEGUN.sub(b"", last) if printed > len(last) else last
    text = whole.decode("utf-8", "replace")
    text = _CONTROL_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    shown = "".join(each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in text)
    return f"… {printed - len(last):,} bytes left out\n{shown}" if printed > len(last) else shown


def last_line(text: str) -> str:
    """The last line with something in it."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
