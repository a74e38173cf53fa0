"""One clock for all deadlines of a worker.

Every connection carries the time at which something has to have happened, and setting it costs a store. Looking at
all of them a few times a second is cheaper than a timer for each request, and no timeout of ours is so short that it
matters.
"""

from __future__ import annotations

import asyncio
from typing import Final

from proxy.dataplane.door import Door

PERIOD: Final = 0.1
"""Seconds between two looks: the precision of every timeout."""


class Sweeper:
    """Looks for connections whose deadline has passed and idle upstream connections that grew old.

    It flushes the log, and what was noted for the trace export.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look from now on."""
        self._timer = self._door.loop.call_later(PERIOD, self._sweep)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        self.start()  # first, so that whatever happens below happens once
        door = self._door
        now = door.loop.time()
        for connection in [c for c in door.connections if c.deadline <= now]:
            connection.expired(now)
        for upstream in door.routing.upstreams():
            upstream.idle.sweep(now)
        door.log.flush()
        door.tracer.flush()
