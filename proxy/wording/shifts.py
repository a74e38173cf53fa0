"""What a shift is doing, in words: the same on a progress bar, in plain lines, in the status and on the page."""

from __future__ import annotations

from typing import Any

from proxy.wording.numbers import span_words


def is_moving(operation: dict[str, Any]) -> bool:
    """Whether it is a shift that has not moved all its traffic yet."""
    return bool(operation.get("shift")) and operation["progress"]["phase"] == "shifting"


def place_words(shift: dict[str, Any]) -> str:
    """``green 5 % of 100 %, step 1 of 4``."""
    share = f"{shift['to']} {shift['percent']:g} % of {shift['target']:g} %"
    return f"{share}, step {shift['step']} of {len(shift['steps'])}"


def left_words(shift: dict[str, Any]) -> str:
    """Why it waits, or how long it will still take."""
    if shift["hindrance"]:
        return f"waits: {_why(shift)}"
    return "until somebody promotes it" if shift["eta"] is None else f"{span_words(shift['eta'])} left"


def _why(shift: dict[str, Any]) -> str:
    """What the judge lacks changes while it waits; all else was said when it began to wait."""
    judged = shift["hindrance"] == "judge" and shift["judge"]
    return str(shift["judge"]["words"] if judged else shift["why"])


def detail_words(shift: dict[str, Any]) -> list[str]:
    """What else there is to know: the judge's words, and users who stay."""
    details = []
    if shift["judge"] and shift["hindrance"] != "judge":  # else these are its words already
        details.append(f"judge: {shift['judge']['words']}")
    if shift["settled_left"] is not None:
        details.append(f"{shift['settled_left']} users stay until their session is over")
    return details
