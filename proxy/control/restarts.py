"""How long to wait before a worker that ended is replaced."""

from __future__ import annotations

from dataclasses import dataclass

SOON = 10.0
"""A worker that lives for this many seconds has shown that it can."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Restarts:
    """The row of early deaths in one slot: the first is made good at once, further ones after growing pauses."""

    early: int = 0

    def after(self, lived: float) -> Restarts:
        """The row after a worker has ended that lived for ``lived`` seconds."""
        return Restarts(1 if lived >= SOON else self.early + 1)

    @property
    def pause(self) -> float:
        """Seconds to wait before the next start."""
        if self.early < 2:
            return 0.0
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self.early - 2, 16))
