"""What the control plane needs to know of its workers, whoever runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from proxy.ipc.messages import Down
from proxy.shm.meters import MeterRegion
from proxy.shm.totals import MeterTotals


class Fleet(Protocol):
    """The workers together."""

    @property
    def totals(self) -> MeterTotals:
        """What living and dead workers have counted."""
        ...

    def regions(self) -> Sequence[MeterRegion]:
        """The meters of the living workers."""
        ...

    def send(self, message: Down) -> None:
        """Tell every living worker; never waits."""
        ...


def seen_generations(fleet: Fleet) -> tuple[int, ...]:
    """The generation that each worker has last seen, of those that may have admitted anything yet."""
    return tuple(seen for region in fleet.regions() if (seen := region.seen) > 0)
