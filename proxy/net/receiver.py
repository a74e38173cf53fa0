"""Whom a stream tells what happens to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.net.stream import Stream


class Receiver:
    """Has one stream. This one listens to nothing, and stands where nobody is interested any more."""

    __slots__ = ()

    def connection_made(self, stream: Stream) -> None:
        """The stream is there, and may be written to."""

    def data_received(self, data: bytes) -> None:
        """Bytes have come; they are the receiver's to keep."""

    def eof_received(self) -> bool:
        """The peer will send no more. ``False`` closes the stream, once what was written is sent."""
        return False

    def pause_writing(self) -> None:
        """More is waiting to be sent than should be. Told once, until :meth:`resume_writing`."""

    def resume_writing(self) -> None:
        """Little is waiting now."""

    def connection_lost(self, error: Exception | None) -> None:
        """It is over; ``error`` is ``None`` if it was closed from here. The last thing that is told."""


NOBODY = Receiver()
