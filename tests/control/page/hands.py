"""A clock that is turned by hand."""

from __future__ import annotations


class Hands:
    """Shows what it was set to."""

    now = 1000.0

    def wall(self) -> float:
        """Unix time."""
        return self.now

    def monotonic(self) -> float:
        """Seconds."""
        return self.now
