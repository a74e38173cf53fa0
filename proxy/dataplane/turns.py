"""Whose turn it is to accept, where workers share a queue.

The kernel wakes all of them, and whoever comes first could take everybody who waits: one worker would have all of a
burst, and the others nothing to do. So workers show each other how many clients they have, and one that has clearly
more than another leaves newcomers to that one for a moment. Only for a moment, for the other may be hung.
"""

from __future__ import annotations

from typing import Final

from proxy.shm.addresses import AddressCounts

AT_ONCE: Final = 4
"""Clients that are taken for each look at a queue, so that those taken before are not kept waiting."""

LEAD: Final = 4
LEAD_SHARE: Final = 8
"""A worker may be ahead of the others by so many clients, and by one in so many of theirs."""

REST: Final = 0.002
"""Seconds for which newcomers are left to the others."""

LEFT_OVER: Final = 16
"""Clients that are taken of those whom nobody took meanwhile."""


class Turns:
    """What one worker knows of the others."""

    __slots__ = ("_counts",)

    def __init__(self, counts: AddressCounts | None) -> None:
        """``None`` knows of no others."""
        self._counts = counts

    def allowed(self, clients: int) -> int:
        """How many newcomers a worker may take now that has so many ``clients``; 0 leaves them to the others."""
        if self._counts is None:
            return AT_ONCE
        self._counts.show(clients)
        fewest = self._counts.fewest_elsewhere()
        if fewest is None:
            return AT_ONCE
        return max(0, min(AT_ONCE, fewest + LEAD + fewest // LEAD_SHARE - clients))
