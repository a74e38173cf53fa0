"""A request's body on its way up, and as much of it as is kept so that it can be sent again."""

from __future__ import annotations

from typing import Final

from proxy.dataplane.bodies import RequestBody
from proxy.dataplane.pace import Pace

MAX_REPLAY: Final = 64 * 1024
"""Bytes of a body that are kept; a larger one is sent once."""


class Upload:
    """What the upstream is sent after the head. Before there is an upstream it waits here; later it may be repeated."""

    __slots__ = ("_body", "_kept", "_pace", "_received", "_size", "surely_replayable")

    def __init__(self, length: int, limit: int | None) -> None:
        """``length`` is the request's framing, ``limit`` the largest body in bytes.

        Raises:
            RequestError: 413, the head announces more than that.
        """
        self._body = RequestBody(length, limit) if length else None
        self._kept: list[bytes] | None = []
        self._size = 0
        self._pace = Pace()
        self._received = 0
        self.surely_replayable = 0 <= length <= MAX_REPLAY
        """Whether all of it will be kept, however much has come so far."""

    @property
    def begun(self) -> bool:
        """Whether any of it has come."""
        return self._size > 0

    @property
    def done(self) -> bool:
        """Whether all of it has come from the client."""
        return self._body is None or self._body.done

    @property
    def surplus(self) -> bytes:
        """What came after it: the next request."""
        return self._body.surplus if self._body is not None else b""

    @property
    def replayable(self) -> bool:
        """Whether all that has come so far can be sent to another upstream."""
        return self._kept is not None

    @property
    def overflowing(self) -> bool:
        """Whether so much is kept that no more should be read until it can be sent."""
        return self._size > MAX_REPLAY

    def feed(self, data: bytes) -> bytes:
        """What to send on of what came from the client.

        Raises:
            RequestError: the framing is broken, or the body is larger than allowed.
        """
        assert self._body is not None
        self._received += len(data)
        piece = self._body.feed(data)
        if self._kept is not None:
            self._kept.append(piece)
            self._size += len(piece)
        return piece

    def hold(self, now: float) -> None:
        """The client is held back from now on: what it sends meanwhile, or does not, is not held against it."""
        self._pace.hold(now)

    def due(self, now: float) -> float:
        """The client can send. Gives when it will have been too slow, unless more comes of the body."""
        return self._pace.due(now, self._received)

    def begin(self) -> bytes:
        """All that has come so far, for an upstream that is sent it from the start."""
        kept = b"".join(self._kept or ())
        self.forget_if_large()
        return kept

    def forget_if_large(self) -> None:
        """Keep no more than is worth it; what is forgotten cannot be sent again."""
        if self._size > MAX_REPLAY:
            self._kept = None


NO_BODY: Final = Upload(0, None)
"""For every request without a body: nothing comes of it, so nothing in it ever changes."""
