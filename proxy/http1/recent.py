"""What was read lately, by the bytes that it was read from.

Clients and servers repeat themselves: a browser sends the same fields with every picture of a page, and a server under
load gives many answers with the same head in a second. What was found good once need not be read again.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

T = TypeVar("T")

ENTRIES: Final = 1024
"""So many are remembered, and then all are forgotten: to know which were of use would cost as much as to read anew."""

LONGEST: Final = 2048
"""Bytes above which nothing is remembered. With the number of entries it bounds the memory."""


class Recent(Generic[T]):
    """Readings of whole texts. A reading has to follow from its text alone, and nobody may change it."""

    __slots__ = ("_known", "_once", "find")

    def __init__(self) -> None:
        self._once = [0] * ENTRIES
        self._known: dict[bytes, T] = {}
        self.find = self._known.get
        """The reading of a text, or ``None``."""

    def keep(self, text: bytes, reading: T) -> None:
        """Remember a reading, if its text has come twice: most come once, and to keep those would cost for nothing."""
        mark = hash(text)
        place = mark % ENTRIES
        if self._once[place] != mark:
            self._once[place] = mark
        elif len(text) <= LONGEST:
            if len(self._known) >= ENTRIES:
                self._known.clear()
            self._known[text] = reading
