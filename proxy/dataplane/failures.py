"""What the operating system says when a connection cannot be made, as a failure with a reason."""

from __future__ import annotations

import errno

from proxy.traffic.retry import Failure, FailureReason

_NO_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


def connect_failure(error: OSError) -> Failure:
    """Why a connection to an upstream was not made. A lack of our own is not held against the upstream."""
    if isinstance(error, TimeoutError):
        return Failure(FailureReason.CONNECT_TIMEOUT)
    if isinstance(error, ConnectionRefusedError):
        return Failure(FailureReason.CONNECT_REFUSED)
    if error.errno in _NO_RESOURCES:
        return Failure(FailureReason.LOCAL_RESOURCES, str(error))
    return Failure(FailureReason.CONNECT_ERROR, str(error))
