"""What a shift is doing, in words: the same on the progress bar, in plain lines and in the status."""

from __future__ import annotations

from typing import Any

from proxy.cli.context import Common

WAY_ON = {"operator": "resume", "step": "promote", "approval": "promote", "judge": "resume", "health": "resume"}
"""The verb that lets a shift go on, by what it waits for."""


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


def way_on(common: Common, shift: dict[str, Any]) -> str | None:
    """The command that lets it go on; ``None`` where it goes on by itself anyway."""
    if not shift["hindrance"]:
        return None
    command = f"`{common.command(WAY_ON[shift['hindrance']])}`"
    if shift["hindrance"] == "health":
        return f"it goes on by itself when that has changed; at once: {command}"
    if shift["hindrance"] == "judge":
        return f"it goes on by itself when enough was seen; at once: {command}"
    return f"let it go on: {command}"


def span_words(seconds: float) -> str:
    """A time to wait, as exactly as anybody wants to know it."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
