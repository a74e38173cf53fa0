"""One connection to an upstream, on loan to one exchange at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from proxy.net.stream import Receiver, Stream

PIECE: Final = 96 * 1024
"""Bytes that are read at once, so that a connection that has to wait holds little memory.

Smaller pieces cost more work for each megabyte. Powers of two are slower: they cut what the kernel has in one piece.
"""


class Borrower:
    """Who uses a connection: it is told everything that happens to it."""

    __slots__ = ()

    def upstream_data(self, data: bytes) -> None:
        """Bytes came from the upstream."""
        raise NotImplementedError

    def upstream_eof(self) -> None:
        """The upstream will send no more."""
        raise NotImplementedError

    def upstream_lost(self, error: Exception | None) -> None:
        """The connection is gone; ``error`` is ``None`` when it was closed in order."""
        raise NotImplementedError

    def upstream_full(self) -> None:
        """More is waiting to be sent than should be: hold back."""
        raise NotImplementedError

    def upstream_writable(self) -> None:
        """What was waiting has been sent: go on."""
        raise NotImplementedError


class UpstreamConnection(Receiver):
    """The stream to one upstream. While nobody borrows it, anything that happens to it makes it useless."""

    __slots__ = ("_on_surplus", "borrower", "idle_since", "lost", "stream", "uses")

    stream: Stream

    def __init__(self, on_surplus: Callable[[], None]) -> None:
        """``on_surplus`` is told of bytes that came while nobody had asked for any."""
        self._on_surplus = on_surplus
        self.borrower: Borrower | None = None
        self.idle_since = 0.0
        self.lost = False
        self.uses = 0

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream

    def data_received(self, data: bytes) -> None:
        if self.borrower is not None:
            self.borrower.upstream_data(data)
        else:  # an answer nobody asked for must never meet the next request (response queue poisoning)
            self._on_surplus()
            self.discard()

    def eof_received(self) -> bool:
        if self.borrower is None:
            self.discard()
            return False
        self.borrower.upstream_eof()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if isinstance(error, OSError):  # else the borrower has failed, and would again
            self._salvage()
        borrower, self.borrower = self.borrower, None
        if borrower is not None:
            borrower.upstream_lost(error)

    def _salvage(self) -> None:
        """Hand on what the upstream said before it closed amid a request: a failed write ends all reading.

        One piece is enough for any refusal of an upload, and bounded even if the client takes nothing.
        """
        if self.borrower is not None and (data := self.stream.receive()):
            self.borrower.upstream_data(data)

    def fit_for_use(self) -> bool:
        """Whether a request may be sent on it now: it is open, and the kernel has nothing from it. Else drop it.

        The loop alone cannot tell. It looks at all sockets at once and hands out what it saw one by one, so the next
        request may well get its turn before the bytes that came ahead of it, which would then be taken for its answer.
        """
        if self.lost:
            return False
        if self.stream.is_silent():
            return True
        if self.stream.receive():
            self._on_surplus()
        self.discard()
        return False

    def pause_writing(self) -> None:
        if self.borrower is not None:
            self.borrower.upstream_full()

    def resume_writing(self) -> None:
        if self.borrower is not None:
            self.borrower.upstream_writable()

    def discard(self) -> None:
        """Drop the connection at once, with whatever is still in it. Its borrower hears nothing more."""
        self.lost = True
        self.borrower = None
        self.stream.abort()

    def reset(self) -> None:
        """Like :meth:`discard`, and the upstream is shown that this was no orderly end."""
        self.lost = True
        self.borrower = None
        self.stream.reset()

    def finish(self, loop: asyncio.AbstractEventLoop, patience: float) -> None:
        """Close once everything is sent, or after ``patience`` seconds. Its borrower hears nothing more."""
        self.lost = True
        self.borrower = None
        self.stream.close()
        if self.stream.waiting:
            loop.call_later(patience, self.stream.abort)
