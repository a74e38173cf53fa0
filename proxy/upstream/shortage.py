"""Errors that tell of a lack on this side, and nothing of an upstream."""

from __future__ import annotations

import errno
from typing import Final

_SHORT_OF: Final = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EADDRNOTAVAIL,
        errno.ENOSPC,  # of epoll(7): fs.epoll.max_user_watches
    }
)


def is_shortage(error: OSError) -> bool:
    """Whether a connection was not made because descriptors, memory, local ports or watches have run out."""
    return error.errno in _SHORT_OF
