"""How many clients a worker has room for.

Two things bound it. ``limits.max_connections`` is for the front door as a whole; it is shared out evenly, for all
workers take clients from the same queues, and whoever has reached its share leaves them to the others. And descriptors:
each client may need one more for an upstream, and a client that could not be served is better left in the kernel's
queue.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proxy.dataplane.routing import Routing
from proxy.shm.names import PauseReason

RESERVE: Final = 32
"""Descriptors for what is neither a client nor an upstream: log files being opened anew, look-ups of names."""

IDLE_SHARE: Final = 5
"""One in so many descriptors may be an idle connection to an upstream."""

BACK_OFF: Final = 16
"""Accepting goes on when one in so many has left, lest it stop and start with each client."""


@dataclass(frozen=True, slots=True)
class Share:
    """Which worker of how many this is: ``slot`` counts from 0."""

    slot: int = 0
    of: int = 1

    def part(self, total: int) -> int:
        """Its part of a number. All parts together are exactly the number."""
        return total // self.of + (self.slot < total % self.of)


WHOLE: Final = Share()
"""Of a worker that is alone."""


@dataclass(frozen=True, slots=True)
class Room:
    """So many clients, and what would have to grow to have more."""

    clients: int
    bound: PauseReason

    @property
    def again(self) -> int:
        """How many may be left when accepting goes on after it has paused."""
        return self.clients - max(1, self.clients // BACK_OFF)


class Descriptors:
    """What the limit of open files leaves for clients and upstreams. The limit is asked for anew each time."""

    def __init__(self) -> None:
        """What is open now is taken to be open for good."""
        self._ours = len(list(Path("/proc/self/fd").iterdir())) + RESERVE

    @property
    def _free(self) -> int:
        return max(0, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - self._ours)

    @property
    def idle(self) -> int:
        """For idle connections to upstreams."""
        return self._free // IDLE_SHARE

    @property
    def clients(self) -> int:
        """How many clients there can be when each of them needs an upstream's connection too; at least one."""
        free = self._free
        return max(1, (free - free // IDLE_SHARE) // 2)


def room_for(descriptors: int, total: int | None, share: Share) -> Room:
    """The room that ``descriptors`` and the ``total`` for all workers leave."""
    if total is not None and (part := share.part(total)) < descriptors:
        return Room(part, PauseReason.CONNECTIONS)
    return Room(descriptors, PauseReason.DESCRIPTORS)


def share_idle(routing: Routing, total: int) -> None:
    """Have all upstreams together keep no more than so many idle connections."""
    upstreams = tuple(routing.upstreams())
    for upstream in upstreams:
        upstream.idle.keep_at_most(total // len(upstreams))
