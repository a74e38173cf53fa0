"""The board: where the supervisor writes the routing table and every worker reads it.

Rules. One writer. Word 0 is the published generation. Two slots, each with its own generation, length and checksum
before its payload. The writer fills the slot that does not hold the published generation, then stores word 0: from that
one store on every reader sees the new payload, and the one before it stays whole until the next publication.

So a reader that finds its slot spoiled knows that word 0 has moved on meanwhile, and looks again. Where the hardware
shows stores to others in another order (ARM does, x86 does not) that may take a moment longer, and nothing but the
checksum tells that a slot which claims to be complete is not all there yet. It is a CRC-32, over generation and length
too: one pass at C speed, and unlike Adler-32 it is no weaker on payloads of a few hundred bytes.
"""

from __future__ import annotations

import zlib
from typing import Final

from proxy.shm.memory import Memory

_LAYOUT: Final = int.from_bytes(b"bgboard1", "little")
_PUBLISHED, _LAYOUT_AT, _SLOT_SIZE_AT = range(3)
_HEADER_WORDS: Final = 8
"""One cache line, so that filling a slot does not disturb readers that compare the generation."""

_GENERATION, _LENGTH, _CHECKSUM = range(3)
_SLOT_HEADER_WORDS: Final = 8

_STUCK: Final = 100
"""Looks at one unmoved generation, none of them whole, after which the slot counts as damaged."""

DEFAULT_SLOT_SIZE: Final = 8 * 1024 * 1024


class BoardFull(Exception):
    """The payload is larger than a slot. The message names both sizes."""


class BoardEmpty(Exception):
    """Nothing has been published yet."""


class BoardDamaged(Exception):
    """The published slot stays inconsistent though nobody is writing it: something spoiled the memory."""


class _Layout:
    """Where the two slots are."""

    __slots__ = ("slot_size", "words")

    def __init__(self, memory: Memory) -> None:
        if len(memory.words) < _HEADER_WORDS or memory.words[_LAYOUT_AT] != _LAYOUT:
            raise ValueError("the descriptor holds no board, or one of another version")
        self.words = memory.words
        self.slot_size: int = memory.words[_SLOT_SIZE_AT]

    def slot(self, index: int) -> int:
        """The word at which a slot's header starts."""
        return _HEADER_WORDS + index * (_SLOT_HEADER_WORDS + self.slot_size // 8)

    @staticmethod
    def payload(slot: int) -> int:
        """The byte at which a slot's payload starts."""
        return (slot + _SLOT_HEADER_WORDS) * 8


class Board:
    """The writing side, held by the supervisor alone."""

    __slots__ = ("_layout", "_memory")

    def __init__(self, memory: Memory) -> None:
        """Write to ``memory``, which :meth:`create` has laid out."""
        self._memory = memory
        self._layout = _Layout(memory)

    @classmethod
    def create(cls, slot_size: int = DEFAULT_SLOT_SIZE) -> Board:
        """A new board for payloads of up to ``slot_size`` bytes; memory is used only as payloads fill it."""
        slot_size = -(-slot_size // 8) * 8  # whole words, so that both slots start at one
        memory = Memory.create("bluegreen-board", (_HEADER_WORDS + 2 * _SLOT_HEADER_WORDS) * 8 + 2 * slot_size)
        memory.words[_SLOT_SIZE_AT] = slot_size
        memory.words[_LAYOUT_AT] = _LAYOUT
        return cls(memory)

    @property
    def fd(self) -> int:
        """The descriptor to hand to workers with ``pass_fds``."""
        return self._memory.fd

    @property
    def capacity(self) -> int:
        """The largest payload that fits, in bytes."""
        return self._layout.slot_size

    def publish(self, generation: int, payload: bytes) -> None:
        """Show ``payload`` to all readers at one instant.

        Raises:
            ValueError: the generation is not above the published one (the first is at least 1).
            BoardFull: the payload does not fit. The board is unchanged in both cases.
        """
        words = self._layout.words
        published = words[_PUBLISHED]
        if generation <= published:
            raise ValueError(f"generation {generation} does not grow: {published} is published")
        if len(payload) > self._layout.slot_size:
            raise BoardFull(f"{len(payload)} bytes do not fit in a slot of {self._layout.slot_size}")
        self._fill(self._spare(published), generation, payload)
        words[_PUBLISHED] = generation

    def _spare(self, published: int) -> int:
        slot = self._layout.slot(0)
        return slot if self._layout.words[slot + _GENERATION] != published else self._layout.slot(1)

    def _fill(self, slot: int, generation: int, payload: bytes) -> None:
        words = self._layout.words
        start = self._layout.payload(slot)
        words[slot + _GENERATION] = 0  # a slow reader of what was here gives up before it has checked the sum
        words[slot + _LENGTH] = len(payload)
        words[slot + _CHECKSUM] = _checksum(generation, payload)
        self._memory.bytes[start : start + len(payload)] = payload
        words[slot + _GENERATION] = generation

    def close(self) -> None:
        """Give the memory back; readers keep what they have mapped."""
        self._memory.close()


class BoardView:
    """The reading side: a mapping through which nothing can be written."""

    __slots__ = ("_layout", "_memory", "words")

    words: memoryview
    """The board as u64 words. ``words[0]`` is the published generation, cheap enough to compare on every request."""

    def __init__(self, memory: Memory) -> None:
        """Read from ``memory``; raises ``ValueError`` if it holds no board."""
        self._memory = memory
        self._layout = _Layout(memory)
        self.words = memory.words

    @classmethod
    def attach(cls, fd: int) -> BoardView:
        """The board behind an inherited descriptor, which may be closed afterwards. Raises ``ValueError``."""
        return cls(Memory(fd, writable=False))

    def read(self) -> tuple[int, bytes]:
        """The newest generation and its payload, whole.

        Raises:
            BoardEmpty: nothing was ever published.
            BoardDamaged: the slot is spoiled for good; what the reader had before is still the best there is.
        """
        stuck, last = 0, -1
        while stuck < _STUCK:
            generation = self.words[_PUBLISHED]
            if generation == 0:
                raise BoardEmpty("nothing has been published yet")
            payload = self._payload(generation)
            if payload is not None and self.words[_PUBLISHED] == generation:
                return generation, payload
            stuck = stuck + 1 if generation == last else 0
            last = generation
        raise BoardDamaged(f"generation {last} is published, but no slot holds it whole")

    def _payload(self, generation: int) -> bytes | None:
        """What the slot of that generation holds, or ``None`` if no slot holds it whole."""
        for slot in (self._layout.slot(0), self._layout.slot(1)):
            if self.words[slot + _GENERATION] != generation:
                continue
            length, checksum = self.words[slot + _LENGTH], self.words[slot + _CHECKSUM]
            if length > self._layout.slot_size:
                return None
            payload = self._copy(self._layout.payload(slot), length)
            unmoved = self.words[slot + _GENERATION] == generation
            return payload if unmoved and checksum == _checksum(generation, payload) else None
        return None

    def _copy(self, start: int, length: int) -> bytes:
        return self._memory.bytes[start : start + length]


def _checksum(generation: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(generation.to_bytes(8, "little") + len(payload).to_bytes(8, "little")))
