"""The meters: one region of u64 cells per worker, counted up by the worker and read by the supervisor.

When a region is full (by default after half a million cells), a new counter shares the overflow cell, so that no
request fails for the sake of a number; a new histogram counts one there and is lost. Gauges never go there, for drains
rest on them: the last eighth of directory and cells is kept for gauges, and when even that is full they are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proxy.shm.directory import Cells
from proxy.shm.exemplars import Exemplar, ExemplarRow
from proxy.shm.memory import Memory
from proxy.shm.names import GAUGES, Name, Series
from proxy.shm.region import BLOCK_LIMIT, DEFAULT_CELLS, DEFAULT_DIRECTORY, FIRST_FREE, OVERFLOW, SEEN, SINK, Region

__all__ = ["SEEN", "MeterRegion", "Meters", "MetersFull"]

_SETTLING_LOOKS: Final = 100
"""A look takes some microseconds, a busy worker closes a lease every hundred: the second look mostly agrees."""


class MetersFull(Exception):
    """There is no cell left for a gauge. The message names it."""


class Meters:
    """The worker's side. Cells are found once by name and then used by index: ``meters.cells[index] += 1``."""

    __slots__ = ("_free", "_region", "cells", "exemplars")

    cells: memoryview
    """The u64 cells. A gauge taken below 0, like any value that is no u64, raises ``ValueError``."""
    exemplars: ExemplarRow
    """Where requests are noted that stand for a bucket of a histogram."""

    def __init__(self, region: Region) -> None:
        """Go on writing where the region's directory ends."""
        self._region = region
        self.cells = region.cells
        self.exemplars = region.exemplars
        region.directory.refresh()
        ends = (cells.first + cells.size for cells in region.directory.entries.values())
        self._free = max(FIRST_FREE, *ends)

    @classmethod
    def attach(cls, fd: int) -> Meters:
        """The meters behind an inherited descriptor, which may be closed afterwards.

        Raises:
            ValueError: the descriptor holds no meters.
        """
        return cls(Region(Memory(fd, writable=True)))

    def cell(self, *name: str) -> int:
        """The index of the cell of that name, which is 0 when it is new. See :meth:`block` for what it raises."""
        return self.block(1, *name)

    def block(self, size: int, *name: str) -> int:
        """The index of the first of ``size`` consecutive cells of that name.

        Raises:
            ValueError: the name has another size already, or ``size`` is above ``BLOCK_LIMIT``: a mistake in the code.
            MetersFull: no room is left, and the name is a gauge's.
        """
        known = self._region.directory.entries.get(name)
        if known is None:
            return self._allocate(size, name)
        if known.size != size:
            raise ValueError(f"{name} has {known.size} cells, not {size}")
        return known.first

    def field(self, size: int, *name: str) -> int | None:
        """Like :meth:`block`, of any size; ``None`` where there is no room, for nothing else could take its values."""
        known = self._region.directory.entries.get(name)
        return self._append(size, name) if known is None else known.first

    def _allocate(self, size: int, name: Name) -> int:
        if not 1 <= size <= BLOCK_LIMIT:
            raise ValueError(f"a block has 1 to {BLOCK_LIMIT} cells, not {size}")
        first = self._append(size, name)
        if first is not None:
            return first
        if name[0] in GAUGES:
            raise MetersFull(f"no cell is left for {name}")
        return self._overflow(size)

    def _append(self, size: int, name: Name) -> int | None:
        gauge = name[0] in GAUGES
        first = self._free
        fits = first + size <= _share(len(self.cells), gauge=gauge)
        limit = _share(self._region.directory_size, gauge=gauge)
        if not fits or not self._region.directory.append(name, Cells(first, size), limit=limit):
            return None
        self._free += size
        return first

    def _overflow(self, size: int) -> int:
        if size == 1:
            return OVERFLOW
        self.cells[OVERFLOW] += 1
        return SINK


def _share(capacity: int, *, gauge: bool) -> int:
    return capacity if gauge else capacity - capacity // 8


class MeterRegion:
    """The supervisor's side of one worker's meters."""

    __slots__ = ("_region",)

    def __init__(self, region: Region) -> None:
        """Read from a region that :meth:`create` has laid out."""
        self._region = region

    @classmethod
    def create(cls, *, cells: int = DEFAULT_CELLS, directory: int = DEFAULT_DIRECTORY) -> MeterRegion:
        """A new region with room for ``cells`` cells and ``directory`` bytes of names; untouched pages cost nothing."""
        return cls(Region.create(cells=cells, directory=directory))

    @property
    def fd(self) -> int:
        """The descriptor to hand to the worker with ``pass_fds``."""
        return self._region.memory.fd

    @property
    def seen(self) -> int:
        """The generation of the routing table that the worker last saw; 0 before it saw any."""
        generation: int = self._region.cells[SEEN]
        return generation

    @property
    def full(self) -> bool:
        """Whether something has found no cell: some of the worker's numbers are missing."""
        return self._region.cells[OVERFLOW] > 0

    def value(self, *name: str) -> int:
        """The value of the cell of that name; 0 if the worker never used it."""
        directory = self._region.directory
        directory.refresh()
        cells = directory.entries.get(name)
        return self._region.cells[cells.first] if cells else 0

    def values(self, *name: str) -> tuple[int, ...]:
        """The values of the block of that name; ``()`` if the worker never used it."""
        directory = self._region.directory
        directory.refresh()
        cells = directory.entries.get(name)
        return tuple(self._region.cells[cells.first : cells.first + cells.size]) if cells else ()

    def read(self) -> dict[Name, tuple[int, ...]]:
        """Every series with its values, one for a cell and several for a block."""
        directory = self._region.directory
        directory.refresh()
        end = max(cells.first + cells.size for cells in directory.entries.values())
        values = self._region.cells[:end].tolist()
        return {
            name: (values[cells.first],) if cells.size == 1 else tuple(values[cells.first : cells.first + cells.size])
            for name, cells in directory.entries.items()
        }

    def exemplars(self) -> dict[tuple[Name, int], Exemplar]:
        """The requests that stand for the buckets of how long requests took: by name and number of the shown bucket."""
        noted = self._region.exemplars.read()
        directory = self._region.directory
        directory.refresh()
        names = {cells.first: name for name, cells in directory.entries.items() if name[0] == Series.DURATION}
        return {(names[first], shown): each for (first, shown), each in noted.items() if first in names}

    def settled(self, gauge: Name, counters: Sequence[Name]) -> tuple[int, tuple[int, ...]]:
        """A gauge, and counters that moved neither just before nor just after it was read.

        A worker that ends one thing after another without a pause gets 100 looks, and then the last one counts. Two
        stores that belong together in the worker are still two: a look between them sees the first alone.
        """
        before = self._values(counters)
        for _ in range(_SETTLING_LOOKS):
            value = self.value(*gauge)
            after = self._values(counters)
            if before == after:
                return value, after
            before = after
        return self.value(*gauge), before

    def _values(self, names: Sequence[Name]) -> tuple[int, ...]:
        return tuple(self.value(*name) for name in names)

    def close(self) -> None:
        """Give the memory back. Again does nothing; reading afterwards raises ``ValueError``."""
        self._region.close()
