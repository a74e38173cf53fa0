"""Stretches of time that are counted in moves."""

from __future__ import annotations

from proxy.control.clock import Clock


class Stretch:
    """A stretch of time without hindrance, in moves of which each begins when the one before it was due.

    So the few milliseconds that each move takes do not add up. A program that was held up for longer does not catch up:
    that would be a jump.
    """

    def __init__(self, clock: Clock) -> None:
        """It begins with the first move."""
        self._clock = clock
        self._due: float | None = None

    def over(self) -> None:
        """Something came between."""
        self._due = None

    def until(self, seconds: float) -> float:
        """Seconds to wait until a move that takes so long is due."""
        now = self._clock.monotonic()
        began = self._due if self._due is not None and now - self._due < seconds else now
        self._due = began + seconds
        return self._due - now
