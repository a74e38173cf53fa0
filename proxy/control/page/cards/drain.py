"""A drain on the page: what is left, where it is, and until when it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proxy.control.page.cards.gates import Json


@dataclass(frozen=True, slots=True)
class Holder:
    """An upstream on which something is still under way."""

    address: str
    color: str
    requests: int
    tunnels: int


@dataclass(frozen=True, slots=True)
class Drain:
    """What an operation left behind and what is still under way there."""

    requests: int
    tunnels: int
    began: int
    """So many were in flight when the traffic moved."""
    requests_until: float | None
    tunnels_until: float | None
    holders: tuple[Holder, ...]
    """Where it is, most long-lived connections first."""
    more: int
    """Upstreams beyond these."""

    @property
    def left(self) -> int:
        """All that is under way."""
        return self.requests + self.tunnels


_MOST_HOLDERS = 10


def drain(operation: Json, holders: Callable[[Json], Iterator[Holder]]) -> Drain | None:
    """The drain of an operation; ``None``: it drains nothing now. ``holders`` looks at what one leaves."""
    progress = operation["progress"]
    if progress["phase"] != "draining":
        return None
    found = sorted((h for left in operation["leaving"] for h in holders(left)), key=lambda h: (-h.tunnels, -h.requests))
    in_flight, tunnels = progress["in_flight"], progress["tunnels"]
    began = (operation["receipt"] or {}).get("in_flight_at_flip") or 0
    return Drain(
        requests=in_flight,
        tunnels=tunnels,
        began=max(began, in_flight + tunnels),
        requests_until=progress["deadline_at"] if in_flight else None,
        tunnels_until=progress["tunnels_deadline_at"] if tunnels else None,
        holders=tuple(found[:_MOST_HOLDERS]),
        more=max(0, len(found) - _MOST_HOLDERS),
    )
