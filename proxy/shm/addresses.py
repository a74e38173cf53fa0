"""What workers show each other of their clients: how many each has, and how many come from each address.

Each worker counts in a row of its own, and a sum over the rows is the number for the front door as a whole. An address
is not kept: two hashes of it, with a key that nobody outside knows, each name a cell. Others may share one of them with
it, hardly ever both, so the smaller of the two sums counts; it is never too small.

A worker adds itself before it looks at the sum. So when two workers let the last one in at the same moment, both may
refuse, and the limit holds.

Before the rows stands, for each of them, how many clients its worker has, plus one; 0 is a row without a worker.
"""

from __future__ import annotations

import mmap
import secrets
from hashlib import blake2b
from typing import Final

from proxy.shm.memory import Memory

_LAYOUT: Final = int.from_bytes(b"bgaddrs2", "little")
_LAYOUT_AT, _SECRET_AT, _ROWS_AT = range(3)
_CLIENTS_AT: Final = 8

_CELLS: Final = 65536
"""Of each hash in a row. Pages that nobody counts in cost nothing."""

_ROW: Final = 2 * _CELLS
_PAGE: Final = mmap.PAGESIZE // 8

ROWS_EACH: Final = 4
"""Rows for each slot. Workers that hang, one after the other, may take a while to end."""

Place = tuple[int, int]
"""The two cells of an address, counted from the start of a row."""


def _header(rows: int) -> int:
    """Words before the first row, which begins at a page of its own so that it can be given back by itself."""
    return -(-(_CLIENTS_AT + rows) // _PAGE) * _PAGE


class AddressTable:
    """The supervisor's side: hands out rows, and takes back those of dead workers."""

    __slots__ = ("_free", "_header", "_memory")

    def __init__(self, memory: Memory, rows: int) -> None:
        """Hand out the rows of a table that :meth:`create` has laid out."""
        self._memory = memory
        self._header = _header(rows)
        self._free = list(reversed(range(rows)))

    @classmethod
    def create(cls, workers: int) -> AddressTable:
        """A new table with room for so many workers, and for those that they follow upon and that are not gone yet."""
        rows = workers * ROWS_EACH
        memory = Memory.create("bluegreen-addresses", (_header(rows) + rows * _ROW) * 8)
        memory.words[_ROWS_AT] = rows
        memory.words[_SECRET_AT] = secrets.randbits(64)
        memory.words[_LAYOUT_AT] = _LAYOUT
        return cls(memory, rows)

    @property
    def fd(self) -> int:
        """The descriptor to hand to workers with ``pass_fds``."""
        return self._memory.fd

    def take_row(self) -> int:
        """A row of zeros for a new worker.

        Raises:
            OSError: so many dead workers have not been buried that no row is left.
        """
        if not self._free:
            raise OSError("too many workers that hang have not ended yet")
        return self._free.pop()

    def give_back(self, row: int) -> None:
        """The worker of a row is dead, and with it all its connections."""
        self._memory.words[_CLIENTS_AT + row] = 0
        start = (self._header + row * _ROW) * 8
        self._memory.bytes.madvise(mmap.MADV_REMOVE, start, _ROW * 8)  # the pages read as zeros afterwards
        self._free.append(row)

    def close(self) -> None:
        """Give the memory back. Again does nothing."""
        self._memory.close()


class AddressCounts:
    """A worker's side."""

    __slots__ = ("_first", "_key", "_memory", "_mine", "_row", "_rows")

    def __init__(self, fd: int, row: int) -> None:
        """Count in one row. The descriptor may be closed afterwards.

        Raises:
            ValueError: the descriptor holds no such table.
        """
        self._memory = Memory(fd, writable=True)
        words = self._memory.words
        if len(words) < _PAGE or words[_LAYOUT_AT] != _LAYOUT or row >= words[_ROWS_AT]:
            raise ValueError("the descriptor holds no table of addresses, or one of another version")
        self._rows: int = words[_ROWS_AT]
        self._first = _header(self._rows)
        self._mine = row
        self._key = words[_SECRET_AT].to_bytes(8, "little")
        self._row = self._first + row * _ROW

    def show(self, clients: int) -> None:
        """Tell the other workers how many clients this one has."""
        self._memory.words[_CLIENTS_AT + self._mine] = clients + 1

    def fewest_elsewhere(self) -> int | None:
        """How many clients that other worker has shown that has the fewest; ``None`` where there is no other."""
        shown = self._memory.words[_CLIENTS_AT : _CLIENTS_AT + self._rows].tolist()
        del shown[self._mine]
        return min((count - 1 for count in shown if count), default=None)

    def enter(self, address: bytes, limit: int) -> Place | None:
        """Count one more connection, unless there are ``limit`` already; then ``None``.

        ``address`` is whatever is to be counted as one, such as an IPv6 network.
        """
        place = self._place(address)
        self._add(place, 1)
        if min(map(self._sum, place)) <= limit:
            return place
        self._add(place, -1)
        return None

    def leave(self, place: Place) -> None:
        """A connection that was counted is gone."""
        self._add(place, -1)

    def _place(self, address: bytes) -> Place:
        digest = blake2b(address, digest_size=4, key=self._key).digest()
        return digest[0] << 8 | digest[1], _CELLS + (digest[2] << 8 | digest[3])

    def _add(self, place: Place, count: int) -> None:
        words, row = self._memory.words, self._row
        for cell in place:
            words[row + cell] += count

    def _sum(self, cell: int) -> int:
        return sum(self._memory.words[self._first + cell :: _ROW])
