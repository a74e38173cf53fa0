"""How the memory of one worker's meters is divided: a header, the directory of names, the cells, the exemplars.

The supervisor lays a region out and from then on only reads it; the worker it is for alone writes. Two series are there
from the start, at fixed cells: the generation that the worker last saw (it has no name), and the overflow.
"""

from __future__ import annotations

from typing import Final

from proxy.shm.directory import Cells, Directory
from proxy.shm.exemplars import SLOT_SIZE, SLOTS, ExemplarRow
from proxy.shm.memory import Memory
from proxy.shm.names import Name

SEEN: Final = 0
"""The cell that holds the generation of the routing table which the worker last saw."""

OVERFLOW: Final = 1
"""The cell for what no longer fits."""

OVERFLOW_NAME: Name = ("overflow",)
"""The series under which the overflow cell is reported; anything but 0 means that series are missing."""

BLOCK_LIMIT: Final = 64
"""The most cells that a block may have."""

SINK: Final = 2
"""First of ``BLOCK_LIMIT`` cells that take the values of blocks that do not fit, and that nobody reads."""

FIRST_FREE: Final = SINK + BLOCK_LIMIT

DEFAULT_CELLS: Final = 512 * 1024
DEFAULT_DIRECTORY: Final = 12 * 1024 * 1024
"""Together 16 MiB of address space: room for the series of some 15,000 upstreams over a worker's life."""

_LAYOUT: Final = int.from_bytes(b"bgmeter2", "little")
_PUBLISHED, _LAYOUT_AT, _DIRECTORY_SIZE_AT, _CELLS_AT = range(4)
_HEADER_WORDS: Final = 8


class Region:
    """The parts of one mapped region."""

    __slots__ = ("_area", "cells", "directory", "directory_size", "exemplars", "memory")

    def __init__(self, memory: Memory) -> None:
        """Find the parts; raises ``ValueError`` if the memory holds no meters, or those of another version."""
        words = memory.words
        if len(words) < _HEADER_WORDS or words[_LAYOUT_AT] != _LAYOUT:
            raise ValueError("the descriptor holds no meters, or some of another version")
        self.memory = memory
        self.directory_size: int = words[_DIRECTORY_SIZE_AT]
        cells_at = _HEADER_WORDS + self.directory_size // 8
        self._area = memoryview(memory.bytes)[_HEADER_WORDS * 8 : cells_at * 8]
        exemplars_at = cells_at + words[_CELLS_AT]
        self.cells = words[cells_at:exemplars_at]
        self.exemplars = ExemplarRow(memoryview(memory.bytes)[exemplars_at * 8 :])
        self.directory = Directory(words, _PUBLISHED, self._area)

    @classmethod
    def create(cls, *, cells: int, directory: int) -> Region:
        """A new region with room for ``cells`` u64 cells and ``directory`` bytes of names."""
        directory = -(-directory // 8) * 8  # whole words, so that the cells start at one
        memory = Memory.create("bluegreen-meters", _HEADER_WORDS * 8 + directory + cells * 8 + SLOTS * SLOT_SIZE)
        memory.words[_DIRECTORY_SIZE_AT] = directory
        memory.words[_CELLS_AT] = cells
        memory.words[_LAYOUT_AT] = _LAYOUT
        region = cls(memory)
        region.directory.append(OVERFLOW_NAME, Cells(OVERFLOW, 1), limit=directory)
        return region

    def close(self) -> None:
        """Unmap and close the descriptor. Again does nothing."""
        self.cells.release()
        self._area.release()
        self.exemplars.close()
        self.memory.close()
