"""Requests of one service that wait in one worker, in the order in which they came, and how they are let go.

What waited for seconds must not fall upon the upstreams at one instant. So it is let go in small batches, as large
as it takes for all to be gone soon; whoever comes meanwhile queues up behind, and each batch grows by as many as have
come.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from proxy.dataplane.accounting import HoldMeters
from proxy.dataplane.roles import Occupant
from proxy.dataplane.room import Share
from proxy.dataplane.routing import LiveService
from proxy.traffic.audience import HoldRule
from proxy.traffic.retry import FailureReason

TICK: Final = 0.005
"""Seconds between two batches."""

BATCH: Final = 8
"""Requests in a batch, at least."""

TICKS: Final = 100
"""So many batches at most, and half a second, until all who waited have been let go."""


class Waiting(Occupant):
    """A request that waits."""

    __slots__ = ("size",)

    size: int
    """Bytes that it takes."""

    def let_go(self) -> None:
        """Go on to an upstream. The lot has forgotten it already."""
        raise NotImplementedError

    def turn_away(self, reason: str, detail: str) -> None:
        """Be answered with 503, for a ``reason`` in one word and a ``detail`` in a sentence."""
        raise NotImplementedError


class Lot:
    """Where they wait."""

    __slots__ = (
        "_batch",
        "_bytes",
        "_came",
        "_loop",
        "_refresh",
        "_share",
        "_timer",
        "_waiting",
        "holds",
        "meters",
        "rule",
        "service",
    )

    def __init__(
        self,
        service: LiveService,
        rule: HoldRule,
        meters: HoldMeters,
        share: Share,
        loop: asyncio.AbstractEventLoop,
        refresh: Callable[[], None],
    ) -> None:
        """It holds, by ``rule``. ``share`` is this worker's of the bounds; ``refresh`` looks for a newer table."""
        self.service = service
        self.rule = rule
        self.holds = True
        """Whether nobody is let go."""
        self.meters = meters
        self._share = share
        self._loop = loop
        self._refresh = refresh
        self._waiting: OrderedDict[Waiting, None] = OrderedDict()
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._batch = 0
        self._came = 0

    @property
    def busy(self) -> bool:
        """Whether anybody waits."""
        return len(self._waiting) > 0

    def takes(self, size: int) -> bool:
        """Whether a request of so many bytes may wait here; whether or not, it is counted as held."""
        meters, rule = self.meters, self.rule
        meters.cells[meters.held] += 1
        if len(self._waiting) >= self._share.part(rule.max_requests):
            return False
        return self._bytes + size <= self._share.part(rule.max_bytes)

    def enter(self, request: Waiting) -> None:
        """Wait, behind all others."""
        self._waiting[request] = None
        self._bytes += request.size
        self._came += 1
        self.meters.cells[self.meters.waiting] += 1

    def leave(self, request: Waiting) -> None:
        """Wait no longer. Who has left already may leave again."""
        if request in self._waiting:
            del self._waiting[request]
            self._bytes -= request.size
            self.meters.cells[self.meters.waiting] -= 1

    def look(self, rule: HoldRule | None) -> None:
        """The service's requests are held by ``rule`` from now on; ``None`` lets them go."""
        self.holds = rule is not None
        if rule is not None:
            self.rule = rule
        elif self._waiting and self._timer is None:
            self._batch = max(BATCH, -(-len(self._waiting) // TICKS))
            self._came = 0
            self._timer = self._loop.call_later(0.0, self._tick)

    def turn_all_away(self) -> None:
        """The worker stops: nobody may be left here. Those who are being let go are gone soon."""
        for request in list(self._waiting) if self.holds else ():
            request.turn_away(FailureReason.SHUTDOWN, "the front door is stopping")

    def _tick(self) -> None:
        self._timer = None
        if self.holds or not self._waiting:
            return
        self._timer = self._loop.call_later(TICK, self._tick)  # first, so that a fault below does not end it
        batch, self._came = self._batch + self._came, 0
        for _ in range(batch):
            request = self._next()
            if request is None:
                return
            self.leave(request)
            request.let_go()

    def _next(self) -> Waiting | None:
        """Who is let go next, if anybody; as with every request, not by a table that is outdated."""
        self._refresh()
        return None if self.holds else next(iter(self._waiting), None)
