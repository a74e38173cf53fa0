"""The directory of a meter region: which cells belong to which name.

It only grows. An entry is written whole before the word that says how much is published moves past it. Where the
hardware shows those stores in another order (ARM), the checksum of an entry tells that it is not all there yet; the
reader stops in front of it and takes it up at its next look.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Final, NamedTuple

from proxy.shm.names import Name

_ENTRY: Final = struct.Struct("=IIII")
"""First cell, number of cells, bytes of the name, checksum of these three and the name."""


class Cells(NamedTuple):
    """Where the values of one name are."""

    first: int
    size: int


class Directory:
    """Names and their cells, in ``area``; ``words[at]`` says how many bytes of it are published.

    The worker appends, the supervisor refreshes; each holds an instance of its own over the same memory.
    """

    __slots__ = ("_area", "_at", "_words", "entries", "parsed")

    def __init__(self, words: memoryview, at: int, area: memoryview) -> None:
        """Nothing is read before the first :meth:`refresh`."""
        self._words = words
        self._at = at
        self._area = area
        self.parsed = 0
        """Bytes that ``entries`` covers."""
        self.entries: dict[Name, Cells] = {}

    def refresh(self) -> None:
        """Take up what was published since the last time; one comparison when that is nothing."""
        published = self._words[self._at]
        while self.parsed < published and self._take_entry():
            pass

    def _take_entry(self) -> bool:
        first, size, length, checksum = _ENTRY.unpack_from(self._area, self.parsed)
        start = self.parsed + _ENTRY.size
        name = bytes(self._area[start : start + length])
        if checksum != _checksum(first, size, name):
            return False
        self.entries[tuple(json.loads(name))] = Cells(first, size)
        self.parsed = start + length
        return True

    def append(self, name: Name, cells: Cells, *, limit: int) -> bool:
        """Publish an entry, unless the directory would then be longer than ``limit`` bytes. True if it was."""
        raw = json.dumps(name).encode("ascii")
        end = self.parsed + _ENTRY.size + len(raw)
        if end > limit:
            return False
        _ENTRY.pack_into(self._area, self.parsed, *cells, len(raw), _checksum(*cells, raw))
        self._area[end - len(raw) : end] = raw
        self.entries[name] = cells
        self.parsed = end
        self._words[self._at] = end
        return True


def _checksum(first: int, size: int, name: bytes) -> int:
    return zlib.crc32(name, zlib.crc32(struct.pack("=III", first, size, len(name))))
