"""Whether a slow peer still takes what waits for it."""

from __future__ import annotations

from proxy.net.stream import Stream


class Outflow:
    """What waits for a peer that takes less than it is sent, looked at from time to time.

    The stream alone does not show it: the kernel may hold megabytes, and a slow peer takes minutes to make room.
    """

    __slots__ = ("_left", "_moved_at", "_patience", "_stream")

    def __init__(self, stream: Stream, now: float, patience: float) -> None:
        """``patience`` is how many seconds the peer may take nothing; ``now`` is on the clock of :meth:`stuck`."""
        self._stream = stream
        self._patience = patience
        self._moved_at = now
        self._left = stream.unsent()

    def stuck(self, now: float) -> bool:
        """Whether the peer has taken nothing for too long."""
        left = self._stream.unsent()
        if left < self._left:
            self._left, self._moved_at = left, now
            return False
        return now - self._moved_at >= self._patience
