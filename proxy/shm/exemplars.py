"""Exemplars: for each bucket of a latency histogram one recent request that fell into it, by its id.

A worker has a row of slots for them behind its meters. A slot belongs to one bucket as soon as something is noted of
that; when all slots are taken, further buckets go without. Each slot carries a checksum, so one that is being written,
or whose worker died while it wrote, is passed over.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

from proxy.shm.names import BUCKETS, SHOWN_BUCKETS

LONGEST_ID: Final = 64
"""Bytes of an id. OpenMetrics gives an exemplar's labels 128 characters in all; ids of other proxies may be longer."""

EVERY: Final = 1.0
"""Seconds for which a bucket is content with what was noted of it."""

SLOTS: Final = 1024
"""For each worker. A color under load has three to six buckets that anything falls into."""

_SLOT: Final = struct.Struct("=IIBBHIdd64s")
"""Checksum of the rest; first cell of the histogram; number of the shown bucket; whether the id is a trace's; its
length; nothing; when, in Unix seconds; how long it took, in seconds; the id."""

SLOT_SIZE: Final = 96
_CHECKED_FROM: Final = 4


def _shown_bucket(bound: float) -> int:
    return sum(shown < bound for shown in SHOWN_BUCKETS)


_SHOWN: Final = (*(_shown_bucket(bound) for bound in BUCKETS), len(SHOWN_BUCKETS))
"""For each bucket that is counted the one that it is shown in."""


class Exemplar(NamedTuple):
    """One request that fell into a bucket."""

    at: float
    """When it had ended, in Unix seconds."""
    seconds: float
    trace: bool
    """Whether the id is that of a trace; else it is the request's own."""
    id: str


Noted = dict[tuple[int, int], Exemplar]
"""By the first cell of the histogram and the number of the shown bucket."""


class ExemplarRow:
    """The slots of one worker. The worker writes, the supervisor reads; each holds an instance of its own."""

    __slots__ = ("_area", "_taken")

    def __init__(self, area: memoryview) -> None:
        """``area`` is made of whole slots, and zero before the first is written."""
        self._area = area
        self._taken: dict[tuple[int, int], int] = {}

    def note(self, first: int, bucket: int, seconds: float, ident: bytes, *, trace: bool, at: float) -> None:
        """A request that took so many seconds stands for its bucket; none whose id is longer than ``LONGEST_ID`` does.

        Args:
            first: the first cell of the histogram.
            bucket: number of the bucket in it.
            seconds: how long the request took.
            ident: its id, or that of its trace.
            trace: whether it is that of its trace.
            at: when it ended, in Unix seconds.
        """
        if len(ident) > LONGEST_ID:
            return
        start = self._slot(first, _SHOWN[bucket])
        if start >= 0:
            slot = bytearray(_SLOT.pack(0, first, _SHOWN[bucket], trace, len(ident), 0, at, seconds, ident))
            slot[:_CHECKED_FROM] = _checksum(slot)
            self._area[start : start + SLOT_SIZE] = slot

    def _slot(self, first: int, shown: int) -> int:
        """Where the slot of a bucket starts; below 0 where none is left."""
        known = self._taken.get((first, shown))
        if known is not None:
            return known
        start = len(self._taken) * SLOT_SIZE
        if start >= len(self._area):
            return -1
        self._taken[first, shown] = start
        return start

    def read(self) -> Noted:
        """What is noted, as far as it is whole."""
        noted: Noted = {}
        raw = bytes(self._area)
        for start in range(0, len(raw), SLOT_SIZE):
            slot = raw[start : start + SLOT_SIZE]
            _, first, shown, trace, length, _, at, seconds, ident = _SLOT.unpack(slot)
            if not first:  # nobody has come this far
                break
            if _checksum(slot) == slot[:_CHECKED_FROM]:
                noted[first, shown] = Exemplar(at, seconds, bool(trace), ident[:length].decode("ascii", "replace"))
        return noted

    def close(self) -> None:
        """Let go of the memory."""
        self._area.release()


def _checksum(slot: bytes | bytearray) -> bytes:
    return zlib.crc32(slot[_CHECKED_FROM:]).to_bytes(_CHECKED_FROM, "little")
