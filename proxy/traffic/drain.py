"""When a color or an upstream is drained: the rule, without the looking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SECOND_LOOK: Final = 0.001
"""Seconds between the two looks that have to agree."""


class DrainWatch:
    """Decides that what began before a generation is over.

    Drained means: every living worker has seen the generation that took the traffic away, and nothing is in flight,
    twice and at least a millisecond apart. A worker counts a request in the same step in which it reads the table, so
    one that has seen the generation can begin nothing old.
    """

    __slots__ = ("_empty_since", "_generation")

    def __init__(self, generation: int) -> None:
        self._generation = generation
        self._empty_since: float | None = None

    def look(self, seen: Iterable[int], in_flight: int, now: float) -> bool:
        """Whether it is drained, after one more look.

        Args:
            seen: the generation that each living worker has last seen.
            in_flight: how many requests and tunnels are still there, summed over the workers.
            now: seconds of a monotonic clock.
        """
        if in_flight or any(generation < self._generation for generation in seen):
            self._empty_since = None
            return False
        if self._empty_since is None:
            self._empty_since = now
            return False
        return now - self._empty_since >= SECOND_LOOK
