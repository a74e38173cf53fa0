"""What went wrong with a request, as a value, and whether it may be tried again."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from proxy.traffic.spec import RetryRule


class Fault(enum.Enum):
    """Whose fault a failure is."""

    CLIENT = "client"
    UPSTREAM = "upstream"
    PROXY = "proxy"


class FailureReason(enum.StrEnum):
    """Why a request did not get a whole answer. The values are labels of metrics."""

    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_ERROR = "connect_error"
    """No connection for another reason that lies out there: no route, name not found."""
    LOCAL_RESOURCES = "local_resources"
    """No connection because this machine ran out of descriptors, ports or memory: says nothing of the upstream.

    Another may do better all the same: over an idle connection, or from a port that is only taken towards the first.
    """
    RESET = "reset"
    """The connection was lost before any byte of the answer."""
    TRUNCATED = "truncated"
    """The connection was lost inside the answer."""
    RESPONSE_TIMEOUT = "response_timeout"
    STALL = "stall"
    """The upstream stopped taking the request's body or sending the answer's."""
    BAD_RESPONSE = "bad_response"
    """The answer breaks HTTP's rules."""
    SURPLUS = "surplus"
    """Bytes came that belong to no answer. No request fails by it; only its connection is not used again."""
    NO_UPSTREAM = "no_upstream"
    """The color has no upstream to pick."""
    CLIENT_GONE = "client_gone"
    CLIENT_STALL = "client_stall"
    """The client stopped sending the request's body or taking the answer's, or sends slower than can be borne."""
    DRAIN_DEADLINE = "drain_deadline"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request failed. Whose fault it is and what the client is told follow from the reason."""

    reason: FailureReason
    detail: str = ""
    """For the log: what the operating system or the parser said."""

    @property
    def fault(self) -> Fault:
        """Whose fault it is."""
        return _NATURES[self.reason].fault

    @property
    def status(self) -> int:
        """The status code for a client that has been sent nothing yet; 499 is for the log alone, as nobody is there."""
        return _NATURES[self.reason].status


@dataclass(frozen=True, slots=True)
class _Nature:
    fault: Fault
    status: int
    another_may_do_better: bool = False


_NATURES: Final = {
    FailureReason.CONNECT_REFUSED: _Nature(Fault.UPSTREAM, 502, another_may_do_better=True),
    FailureReason.CONNECT_TIMEOUT: _Nature(Fault.UPSTREAM, 504, another_may_do_better=True),
    FailureReason.CONNECT_ERROR: _Nature(Fault.UPSTREAM, 502, another_may_do_better=True),
    FailureReason.LOCAL_RESOURCES: _Nature(Fault.PROXY, 503, another_may_do_better=True),
    FailureReason.RESET: _Nature(Fault.UPSTREAM, 502, another_may_do_better=True),
    FailureReason.TRUNCATED: _Nature(Fault.UPSTREAM, 502),
    FailureReason.RESPONSE_TIMEOUT: _Nature(Fault.UPSTREAM, 504, another_may_do_better=True),
    FailureReason.STALL: _Nature(Fault.UPSTREAM, 504, another_may_do_better=True),
    FailureReason.BAD_RESPONSE: _Nature(Fault.UPSTREAM, 502),
    FailureReason.SURPLUS: _Nature(Fault.UPSTREAM, 502),
    FailureReason.NO_UPSTREAM: _Nature(Fault.UPSTREAM, 503),
    FailureReason.CLIENT_GONE: _Nature(Fault.CLIENT, 499),
    FailureReason.CLIENT_STALL: _Nature(Fault.CLIENT, 408),
    FailureReason.DRAIN_DEADLINE: _Nature(Fault.PROXY, 503),
    FailureReason.SHUTDOWN: _Nature(Fault.PROXY, 503),
}

_IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})


def may_retry(
    failure: Failure,
    *,
    method: bytes,
    request_bytes_sent: bool,
    response_bytes_seen: bool,
    replayable: bool,
    attempt: int,
    rule: RetryRule,
) -> bool:
    """Whether a failed request may be sent once more, to another upstream, if a :class:`RetryBudget` can pay for it.

    ``attempt`` counts the tries so far, the failed one included. ``replayable`` says that the whole body, or all of it
    that was read from the client, is still at hand. Once a byte of the answer was seen there is no way back. A request
    none of which was sent cannot have had an effect; one of which something was sent may have had, and only idempotent
    methods may be repeated then (RFC 9110 section 9.2.2).
    """
    if attempt >= rule.attempts or response_bytes_seen or not replayable:
        return False
    if not _NATURES[failure.reason].another_may_do_better:
        return False
    return not request_bytes_sent or is_idempotent(method)


def is_idempotent(method: bytes) -> bool:
    """Whether sending it twice is as good as once (RFC 9110 section 9.2.2); of an unknown method none can tell: no."""
    return method in _IDEMPOTENT


_TOKEN: Final = 1_000_000
"""One retry, in whole numbers, so that ten tenths of it are one."""

_MOST_SAVED: Final = 1_000 * _TOKEN

_RESERVE: Final = 100.0
_RESERVE_PER_SECOND: Final = 10.0


class RetryBudget:
    """Keeps the retries of one service in one worker to a share of its requests, so that they never become the outage.

    A bank of tokens, after Finagle's RetryBudget (Envoy's retry_budget serves the same end): each request pays in its
    share, each retry takes one out. No more than 1,000 are kept, which bounds what a sudden outage can set off. A quiet
    service pays in too little to ever retry, so there is a reserve of 100 that refills by 10 a second. With a share of
    0 nothing is ever retried.
    """

    __slots__ = ("_as_of", "_reserve", "_saved", "_share")

    def __init__(self, budget: float) -> None:
        """``budget`` is the share of requests that may be retries, 0 to 1."""
        self._share = round(budget * _TOKEN)
        self._saved = 0
        self._reserve = _RESERVE if budget > 0 else 0.0
        self._as_of = 0.0

    def deposit(self) -> None:
        """A request has come; its retries do not count."""
        if self._saved < _MOST_SAVED:
            self._saved += self._share

    def withdraw(self, now: float) -> bool:
        """Whether a retry can be paid for, which it then is. ``now`` is in seconds of a clock that never goes back."""
        if self._saved >= _TOKEN:
            self._saved -= _TOKEN
            return True
        if not self._share:
            return False
        self._reserve = min(_RESERVE, self._reserve + (now - self._as_of) * _RESERVE_PER_SECOND)
        self._as_of = now
        if self._reserve < 1:
            return False
        self._reserve -= 1
        return True
