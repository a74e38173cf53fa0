"""The clocks of the control plane, in one place so that tests can bring their own."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What time it is, in seconds."""

    def wall(self) -> float:
        """Unix time: for people and records. It may jump."""
        ...

    def monotonic(self) -> float:
        """Time that never goes back: for waiting and measuring."""
        ...


class SystemClock:
    """The clocks of this machine."""

    def wall(self) -> float:
        """Unix time."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment in the past."""
        return time.monotonic()
