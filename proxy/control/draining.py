"""Draining: what began before a table is waited for, and told to end where it takes too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxy.control.fleet import seen_generations
from proxy.control.receipts import Account
from proxy.control.watch import FIRST_LOOK, LOOK_GROWTH, Scene
from proxy.ipc.messages import Cut
from proxy.traffic.drain import DrainWatch
from proxy.traffic.model import Operation
from proxy.traffic.spec import DrainRule

_LAST_LOOK: Final = 0.05
"""Seconds between two looks at a drain, at most."""

CUT_PATIENCE = 20.0
"""Seconds that a worker may take to act on a cut: a WebSocket may be amid a message, and its peers slow to answer."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How a drain ended."""

    at: float
    """Seconds of the monotonic clock: since then nothing has been in flight, or now, if something still is."""
    left: int = 0
    """So many did not end though they were cut."""


class Drain:
    """The drain of what an operation leaves."""

    def __init__(
        self, operation: Operation, scene: Scene, account: Account, *, generation: int, rule: DrainRule
    ) -> None:
        """``generation`` is that of the table which took the traffic away."""
        self._operation = operation
        self._fleet = scene.fleet
        self._clock = scene.clock
        self._account = account
        self._generation = generation
        self._rule = rule

    async def run(self, wanted: Callable[[], bool]) -> Drained | None:
        """How it ended; ``None`` if it was no longer ``wanted``."""
        watch, began, pause = DrainWatch(self._generation), self._clock.monotonic(), FIRST_LOOK
        rule = self._rule
        deadlines = sorted([(rule.timeout, False), (rule.long_lived_timeout, True)])
        empty_since: float | None = None
        while wanted():
            now, in_flight = self._clock.monotonic(), self._account.in_flight()
            empty_since = None if in_flight else (empty_since or now)
            if watch.look(seen_generations(self._fleet), in_flight, now):
                return Drained(empty_since or now)
            while deadlines and now - began >= deadlines[0][0]:
                tunnels = deadlines.pop(0)[1]
                self._cut(tunnels=tunnels)
                if not tunnels and not deadlines:  # a request may have become a tunnel since those were told to end
                    self._cut(tunnels=True)
            if now - began >= rule.longest + CUT_PATIENCE:
                return Drained(now, in_flight)
            await asyncio.sleep(pause)
            pause = min(pause * LOOK_GROWTH, _LAST_LOOK)
        return None

    def _cut(self, *, tunnels: bool) -> None:
        spread = self._rule.spread if tunnels else 0.0
        for color, address in self._operation.leaving:
            self._fleet.send(Cut(self._operation.service, color, self._generation, tunnels, address, spread))
