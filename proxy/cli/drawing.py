"""Bars and sparklines of characters, in ASCII where a terminal shows no others (``fine`` tells whether it does)."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from proxy.cli.terminal import STYLES

LEVELS = "▁▂▃▄▅▆▇█"
"""The heights of a sparkline."""

ASCII_LEVELS = "_.:-=+*#"

FULL, EMPTY, OTHER = "█", "░", "▒"
ASCII_FULL, ASCII_EMPTY, ASCII_OTHER = "#", ".", "="


def sparkline(values: Sequence[float | None], top: float, *, width: int, fine: bool) -> str:
    """The newest values, a character each, up to ``top``; a blank where nothing is known."""
    levels = LEVELS if fine else ASCII_LEVELS
    shown = values[-width:] if width > 0 else ()
    return "".join(" " if value is None else levels[_level(value, top)] for value in shown).rjust(max(width, 0))


def _level(value: float, top: float) -> int:
    """The lowest is nothing at all, and nothing else."""
    if value <= 0 or top <= 0:
        return 0
    return max(1, min(len(LEVELS) - 1, round((len(LEVELS) - 1) * value / top)))


def bar(share: float, *, width: int, style: str, fine: bool) -> Text:
    """So much of it is filled; ``share`` is from 0 to 1."""
    full, empty = (FULL, EMPTY) if fine else (ASCII_FULL, ASCII_EMPTY)
    filled = cells(share, width)
    return Text(full * filled, style).append(empty * (width - filled), "dim")


def split_bar(blue: float, *, width: int, fine: bool) -> Text:
    """Both colors beside each other; ``blue`` is its share, from 0 to 1."""
    full, other = (FULL, OTHER) if fine else (ASCII_FULL, ASCII_OTHER)
    filled = cells(blue, width)
    return Text(full * filled, STYLES["blue"]).append(other * (width - filled), STYLES["green"])


def cells(share: float, width: int) -> int:
    """How many of ``width`` cells a share fills: a little is never nothing, and nearly all is never all."""
    if share <= 0 or share >= 1 or width < 2:
        return round(min(max(share, 0), 1) * width)
    return min(max(round(share * width), 1), width - 1)
