"""The orderly end of a worker: nothing new, nothing lost.

1. Everything in the accept queue is taken, then nobody accepts here any more.
2. Each answer says ``Connection: close`` unless the client has sent its next request already, so clients with
   kept-alive connections leave by themselves.
3. A connection that stays idle is closed, by half: what its client may have sent at the same moment is still read, so
   it sees an orderly end and no reset, and knows that its request was not taken up (RFC 9112 section 9.3.1).
4. WebSockets and event streams would never end by themselves. They are left alone for half of the grace and then ended
   in order, spread over a part of the other half.
5. Requests that are held are answered at once: nobody will let them go here.
6. When the grace is over, what is left is cut and counted.
"""

from __future__ import annotations

import asyncio
from typing import Final

from proxy.dataplane.admission import Lease
from proxy.dataplane.door import Door
from proxy.dataplane.downstream import MIN_IDLE
from proxy.dataplane.listening import Listening
from proxy.dataplane.winding_up import wind_up

LOOK: Final = 0.02
"""Seconds between two looks at what is left."""

LEFT_ALONE, SPREAD = 0.5, 0.25
"""Shares of the grace: how long WebSockets and event streams are left alone, and how long it then takes to end all."""


async def stop_gracefully(door: Door, listening: Listening, grace: float) -> int:
    """Finish what is in flight within ``grace`` seconds; gives the number of requests that had to be cut."""
    door.stopping = True
    listening.stop()
    for lot in door.lots.values():
        lot.turn_all_away()
    long_lived = door.loop.call_later(grace * LEFT_ALONE, wind_up, door, _is_long_lived, grace * SPREAD)
    deadline = door.loop.time() + grace
    min_idle = min(MIN_IDLE, grace / 3)
    while door.connections and (now := door.loop.time()) < deadline:
        for connection in list(door.connections):
            connection.close_if_idle(now, min_idle)
        await asyncio.sleep(LOOK)
    long_lived.cancel()
    return _cut_the_rest(door)


def _is_long_lived(lease: Lease) -> bool:
    return lease.long_lived


def _cut_the_rest(door: Door) -> int:
    unfinished = 0
    for connection in list(door.connections):
        if connection.occupant is not None:
            unfinished += 1
            connection.occupant.cut()
        elif connection.stream.waiting:
            unfinished += 1  # it was answered, but has not taken all of it
        connection.stream.close()
    return unfinished
