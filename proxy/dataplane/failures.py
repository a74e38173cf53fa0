"""What went wrong, as a failure with a reason: from what the operating system says, or from whose turn it was."""

from __future__ import annotations

from proxy.traffic.retry import Failure, FailureReason
from proxy.upstream.shortage import is_shortage


def connect_failure(error: OSError | UnicodeError) -> Failure:
    """Why a connection to an upstream was not made. A lack of our own is not held against the upstream."""
    if isinstance(error, TimeoutError):
        return Failure(FailureReason.CONNECT_TIMEOUT)
    if isinstance(error, ConnectionRefusedError):
        return Failure(FailureReason.CONNECT_REFUSED)
    if isinstance(error, ConnectionResetError):  # made, and gone before anything was sent
        return Failure(FailureReason.RESET, str(error))
    if isinstance(error, OSError) and is_shortage(error):
        return Failure(FailureReason.LOCAL_RESOURCES, str(error))
    return Failure(FailureReason.CONNECT_ERROR, str(error))


def overdue(*, client_full: bool, upstream_full: bool, upstream_owes: bool, uploaded: bool) -> Failure:
    """Whose turn it was tells whose fault it is that nothing has happened.

    A client that could send more of its body and does not is at fault even if the answer has begun: an upstream may
    well wait for it.

    Args:
        client_full: the client does not take what it is sent.
        upstream_full: the upstream does not take what it is sent.
        upstream_owes: the upstream has all that it can have, and has not begun to answer.
        uploaded: the client has sent its whole request.
    """
    if client_full:
        return Failure(FailureReason.CLIENT_STALL)
    if upstream_owes and not upstream_full:
        return Failure(FailureReason.RESPONSE_TIMEOUT)
    if upstream_full or uploaded:
        return Failure(FailureReason.STALL)
    return Failure(FailureReason.CLIENT_STALL)
