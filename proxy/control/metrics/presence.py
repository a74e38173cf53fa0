"""Which series are shown: those of what there is, and for a while those of what there was.

Counters of a service or an upstream that was taken out stay for ``LINGERING``, so that Prometheus gets their last
values, and then end; else a front door before servers that come and go would tell of all of them for ever. Nothing is
forgotten: should one come back, its counters go on where they were.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.traffic.model import State
from proxy.traffic.spec import Color

LINGERING = 600.0
"""Seconds."""

Key = tuple[str, ...]
"""A service, or a service, a color and an upstream."""


class Presence:
    """Remembers since when something is gone."""

    def __init__(self) -> None:
        self._gone_since: dict[Key, float] = {}
        self._there: set[Key] = set()
        self._now = 0.0

    def look(self, state: State, now: float) -> None:
        """Judge by this state from now on."""
        self._now = now
        self._there = {(name,) for name in state.services}
        for name, service in state.services.items():
            self._there.update((name, color.value, each.address) for color in Color for each in service.pool(color))
        for key in self._gone_since.keys() & self._there:
            del self._gone_since[key]

    def shows(self, labels: Sequence[str], *, upstream: bool) -> bool:
        """Whether a series with these labels, a service first, is shown; ``upstream``: the third is an upstream."""
        return self._lingers(tuple(labels[:1])) and (not upstream or self._lingers(tuple(labels[:3])))

    def _lingers(self, key: Key) -> bool:
        return key in self._there or self._now - self._gone_since.setdefault(key, self._now) <= LINGERING
