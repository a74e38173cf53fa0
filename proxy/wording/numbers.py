"""Numbers and times in words."""

from __future__ import annotations

from typing import Any

UNKNOWN = "-"
"""Of a number that is not known."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 request``, ``2 requests``."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def rate_words(per_second: float) -> str:
    """``0``, ``0.4``, ``84``, ``1,234``: two digits, or as many as there are before the point."""
    if 0 < per_second < 0.05:
        return "<0.1"
    return f"{per_second:.1f}" if 0 < per_second < 9.95 else f"{per_second:,.0f}"


def flow_words(flow: dict[str, Any]) -> str:
    """What is in flight; connections that were upgraded and event streams live long."""
    return f"{counted(flow['requests'], 'request')}, {flow['tunnels']} long-lived"


def left_words(progress: dict[str, Any], now: float) -> str:
    """What an operation still waits for, and until when: ``3 requests, 2 long-lived left, cut in 9 s and in 279 s``."""
    kinds = (("in_flight", "deadline_at"), ("tunnels", "tunnels_deadline_at"))
    ends = [progress[deadline] for kind, deadline in kinds if progress[kind] and progress[deadline] is not None]
    left = f"{flow_words({'requests': progress['in_flight'], 'tunnels': progress['tunnels']})} left"
    return f"{left}, cut in {' and in '.join(f'{max(end - now, 0):.0f} s' for end in ends)}" if ends else left


def span_words(seconds: float) -> str:
    """A time to wait, as exactly as anybody wants to know it."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def took_words(seconds: float) -> str:
    """How long something took, in the unit that fits: ``80 ms``, ``2.5 s``, ``12 min``, ``1 h 5 min``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
