"""Ending what has had its time, one connection after the other.

Every client that is sent away comes back, and most of them at once. So the ends are spread evenly over some seconds:
what opens new connections then is a stream and no wave.
"""

from __future__ import annotations

from collections.abc import Callable

from proxy.dataplane.admission import Lease
from proxy.dataplane.door import Door
from proxy.dataplane.roles import Connection, Occupant


def wind_up(door: Door, concerned: Callable[[Lease], bool], spread: float) -> None:
    """End, in the order that each one's protocol has for it, what runs on such leases now.

    The first is ended at once and the last just before ``spread`` seconds are over. What ends by itself before its turn
    is left alone, and so is what begins on the same connection after it.
    """
    found: list[tuple[Connection, Occupant]] = []
    for client in door.connections:
        occupant = client.occupant
        lease = occupant.lease if occupant is not None else None
        if occupant is not None and lease is not None and concerned(lease):
            found.append((client, occupant))
    for number, (client, occupant) in enumerate(found):
        door.loop.call_later(spread * number / len(found), _wind_up_one, client, occupant)


def _wind_up_one(client: Connection, occupant: Occupant) -> None:
    if client.occupant is occupant:
        occupant.wind_up()
