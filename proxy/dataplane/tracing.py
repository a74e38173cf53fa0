"""The place of requests in their traces, and notes of those whose spans are exported.

Who sends ``traceparent`` is given a new parent id for the upstream, with or without an export. With one, every request
is in a trace, and a share of them is noted. Notes wait here, so many and no more, until the supervisor takes them: what
finds no room is lost and counted, for serving goes before telling.
"""

from __future__ import annotations

import random
from binascii import hexlify
from collections.abc import Callable
from typing import Final

from proxy.ipc.messages import SpanNote, Spans

MOST_NOTED: Final = 1024
"""Notes that wait at most."""

MESSAGE: Final = 48 * 1024
"""Bytes that the notes of one message may have as JSON; the rest of a line is room for what is around them."""

LONGEST_TEXT: Final = 512
"""Characters of a path, host or method that are told; the rest is cut off."""

_AS_JSON: Final = 6
"""Bytes that one character takes as JSON at most."""

_REST: Final = 1024
"""More than the parts of a note take whose length no client decides."""

_ALIKE: Final = random.Random()  # noqa: S311 - ids have to differ, and nobody gains anything by guessing them


class Sampled:
    """What is kept of a request of which spans are made."""

    __slots__ = ("asked", "peer", "scheme")

    def __init__(self, peer: bytes, scheme: bytes) -> None:
        """``peer`` is the address at the other end of the client's connection, ``scheme`` what the client used."""
        self.peer = peer
        self.scheme = scheme
        self.asked = 0.0
        """When it was given to an upstream, in seconds of the loop's clock; 0 for never."""


class Tracer:
    """Begins traces or goes on with them, and keeps notes until they are taken."""

    __slots__ = ("_hand_over", "_lost", "_noted", "_share", "on")

    def __init__(self, lost: Callable[[int], None], hand_over: Callable[[Spans], bool]) -> None:
        """``lost`` is told how many notes were thrown away; ``hand_over`` says whether it has taken a message."""
        self._lost = lost
        self._hand_over = hand_over
        self._noted: list[SpanNote] = []
        self._share = 0.0
        self.on = False
        """Whether spans are exported, so that every request is in a trace."""

    def configure(self, share: float | None) -> None:
        """Note such a share of the requests from now on; ``None``: nothing is exported."""
        self.on = share is not None
        self._share = 0.0 if share is None else share

    def begin(self, told: bytes, trusted: bool) -> tuple[bytes, bool]:
        """What to tell the upstream of a request that came with a good traceparent, or with none (``b""``).

        The second value is whether spans are made of it. A trusted client decides that by its flag. The flag of anybody
        else is handed on, but does not count here: strangers could have everything exported otherwise.
        """
        if not told:
            sampled = _ALIKE.random() < self._share
            return b"00-%b-%b-0%d" % (new_id(16), new_id(8), sampled), sampled
        flags = told[54] & 3
        sampled = flags & 1 == 1 if trusted else _ALIKE.random() < self._share
        return b"%b%b-0%d" % (told[:36], new_id(8), flags | sampled), sampled

    def keep(self, note: SpanNote) -> None:
        """Have this exported, if there is room."""
        if len(self._noted) < MOST_NOTED:
            self._noted.append(note)
        else:
            self._lost(1)

    def flush(self) -> None:
        """Hand over what was noted, as far as it is taken."""
        while self._noted:
            fit = _fitting(self._noted)
            if not self._hand_over(Spans(tuple(self._noted[:fit]))):
                return
            del self._noted[:fit]

    def give_up(self) -> None:
        """Nobody will take what is left."""
        self._lost(len(self._noted))
        self._noted.clear()


def new_id(size: int) -> bytes:
    """Hexadecimal digits for so many random bytes; that all of them are zero, nobody will see."""
    return hexlify(_ALIKE.getrandbits(8 * size).to_bytes(size, "big"))


def next_hop(told: bytes) -> bytes:
    """What to tell the upstream of a request that came with a good traceparent, where nothing is exported."""
    return told[:36] + new_id(8) + told[52:]


def as_text(value: bytes) -> str:
    """What a client has said, as the characters of Latin-1 and not too long."""
    return value[:LONGEST_TEXT].decode("latin-1")


def _fitting(notes: list[SpanNote]) -> int:
    """How many of the first fit into a message; one does in any case."""
    room = MESSAGE
    for index, note in enumerate(notes):
        told = len(note.method) + len(note.authority) + len(note.path) + len(note.client)
        room -= _REST + _AS_JSON * told
        if room < 0:
            return max(1, index)
    return len(notes)
