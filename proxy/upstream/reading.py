"""Reading in pieces of a bounded size, so that a connection that has to wait holds little memory.

The loop by itself reads up to 250 KiB at once. When the peer that they are meant for takes nothing, all of them stay in
memory until it does, for each connection. Smaller pieces cost a little more work for each megabyte.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

UPSTREAM_PIECE = 96 * 1024
"""Bytes that are read at once from an upstream. Powers of two are slower: they cut what the kernel has in one piece."""

CLIENT_PIECE = 48 * 1024
"""Bytes that are read at once from a client: less, for there are more of them and most send little."""

_scratch = memoryview(bytearray(UPSTREAM_PIECE))
"""One for the whole process: a loop hands a piece on before it reads the next, from whatever connection."""


class _Reader(asyncio.BufferedProtocol):
    """A protocol with ``data_received``, as :class:`asyncio.Protocol` has it, that is given bounded pieces."""

    __slots__ = ()

    piece: ClassVar[memoryview]

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.piece

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(self.piece[:nbytes].tobytes())

    def data_received(self, data: bytes) -> None:
        """Bytes have come; they are the receiver's to keep."""
        raise NotImplementedError


class UpstreamReader(_Reader):
    """Reads from an upstream."""

    __slots__ = ()

    piece = _scratch


class ClientReader(_Reader):
    """Reads from a client."""

    __slots__ = ()

    piece = _scratch[:CLIENT_PIECE]
