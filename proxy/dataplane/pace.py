"""How slowly a client may send the body of its request."""

from __future__ import annotations

GRACE = 20.0
"""Seconds before which no pace is asked for: a mobile network may well be silent for that long."""

MIN_RATE = 240
"""Bytes per second that a body has to come with on average, once the grace is over."""


class Pace:
    """A stop-watch that runs while the client could send, and stands while it is held back.

    A limit for each pause alone would let a client hold its place for ever with one byte at a time (slowloris in the
    body). What comes faster than it has to is saved up, and a body that comes in no time has time for a long pause.
    """

    __slots__ = ("_running_since", "_spent")

    def __init__(self) -> None:
        self._running_since: float | None = None
        self._spent = 0.0

    def hold(self, now: float) -> None:
        """The client cannot send from now on: the upstream takes no more, or has not asked for the body yet."""
        if self._running_since is not None:
            self._spent += now - self._running_since
            self._running_since = None

    def due(self, now: float, received: int) -> float:
        """The client can send. Gives when it will have been too slow unless more than these ``received`` bytes come."""
        if self._running_since is None:
            self._running_since = now
        return self._running_since - self._spent + GRACE + received / MIN_RATE
