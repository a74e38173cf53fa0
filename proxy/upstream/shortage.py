"""Errors that tell of a lack on this side, and nothing of an upstream."""

from __future__ import annotations

import errno
from typing import Final

_SHORT_OF: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


def is_shortage(error: OSError) -> bool:
    """Whether a connection was not made because descriptors, memory or local ports have run out."""
    return error.errno in _SHORT_OF
