"""Live events: what happens, told while it happens to whoever listens. What has to last is in the journal."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.control.bell import Bell
from proxy.control.clock import Clock

KEPT = 1_000
"""So many of the newest events can be asked for again."""


class EventName(enum.StrEnum):
    """What the core tells; other parts of the control plane add names of their own."""

    CHANGED = "changed"
    """An operator's command was carried out."""
    OBSERVED = "observed"
    """Health or an ejection of an upstream changed."""
    APPLIED = "operation_applied"
    """Every worker serves from an operation's table."""
    PROGRESS = "operation_progress"
    """A shift has come further, waits, or goes on."""
    ENDED = "operation_ended"
    STORE_DOWN = "store_unavailable"
    STORE_UP = "store_available"
    TOO_LARGE = "table_too_large"
    """An observation could not be served, because the table it leads to does not fit."""
    MISSED = "missed"
    """Told to one listener alone: events after the one it had last are gone."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Ids grow, also from one start of the program to the next."""

    id: int
    at: float
    name: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Events:
    """Keeps the newest events in a ring and wakes those who follow it.

    A listener has a place in the ring and no queue of its own, so however slow it is, it costs nothing; what it was too
    slow for, it is told to have missed.
    """

    def __init__(self, clock: Clock) -> None:
        """No events yet. The first id is the time in microseconds: no id of an earlier start was as high."""
        self._clock = clock
        self._ring: deque[Event] = deque(maxlen=KEPT)
        self._last = int(clock.wall() * 1_000_000)
        self._bell = Bell()
        self._closed = False
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call ``listener`` with every event from now on, as it happens. It must not wait, nor raise."""
        self._listeners.append(listener)

    @property
    def last_id(self) -> int:
        """The id of the newest event; following from here gives only later ones."""
        return self._last

    def emit(self, name: str, /, **data: Any) -> Event:
        """Tell everybody; ``data`` is JSON-ready."""
        self._last += 1
        event = Event(self._last, self._clock.wall(), name, data)
        self._ring.append(event)
        self._bell.ring()
        for listener in self._listeners:
            listener(event)
        return event

    def close(self) -> None:
        """End every listener's iteration."""
        self._closed = True
        self._bell.ring()

    async def subscribe(self, after_id: int | None = None) -> AsyncIterator[Event]:
        """Every event after the one with this id, until :meth:`close`; ``None`` is from now on.

        Where events after it are gone, a :attr:`EventName.MISSED` comes first. An id that was never given (the wall
        clock went back over a restart) is taken for one that is long gone.
        """
        place = self._last if after_id is None else after_id
        if place > self._last:
            place = 0
        while not self._closed:
            if place == self._last:
                await self._bell.wait()
                continue
            for event in self._since(place):
                yield event
                place = event.id

    def _since(self, place: int) -> list[Event]:
        oldest = self._ring[0].id if self._ring else self._last + 1
        kept = [event for event in self._ring if event.id > place]
        if place >= oldest - 1:
            return kept
        return [Event(oldest - 1, self._clock.wall(), EventName.MISSED), *kept]
