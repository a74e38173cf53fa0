"""Memory that has a descriptor and no name, so that only processes that inherit the descriptor can see it."""

from __future__ import annotations

import mmap
import os


class Memory:
    """A memfd mapped into this process, as bytes and as u64 words.

    It is sparse: pages that nobody touched cost nothing. Stores and loads of single words are one aligned 8-byte access
    each, which no other process ever sees half done.
    """

    __slots__ = ("bytes", "fd", "words")

    def __init__(self, fd: int, *, writable: bool) -> None:
        """Map the whole of ``fd``. The descriptor stays the caller's, who may close it: the mapping lives on."""
        self.fd = fd
        self.bytes = mmap.mmap(fd, 0, access=mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ)
        self.words = memoryview(self.bytes).cast("Q")

    @classmethod
    def create(cls, name: str, size: int) -> Memory:
        """New zeroed memory of ``size`` bytes, a multiple of 8; ``name`` only shows in ``/proc``.

        The descriptor is closed on exec, unless it is handed on by ``pass_fds``.
        """
        fd = os.memfd_create(name, os.MFD_CLOEXEC)
        os.ftruncate(fd, size)
        return cls(fd, writable=True)

    def close(self) -> None:
        """Unmap, and close the descriptor. Views other than ``words`` must have been released. Again does nothing."""
        if self.bytes.closed:
            return
        self.words.release()
        self.bytes.close()
        os.close(self.fd)
