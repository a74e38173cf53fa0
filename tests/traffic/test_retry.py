from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.retry import Failure, FailureReason, Fault, RetryBudget, is_idempotent, may_retry
from proxy.traffic.spec import RetryRule

RESET = Failure(FailureReason.RESET)
REFUSED = Failure(FailureReason.CONNECT_REFUSED)
METHODS = (b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE", b"POST", b"PATCH", b"CONNECT", b"get", b"")


def allowed(
    failure: Failure,
    method: bytes = b"GET",
    *,
    sent: bool = True,
    seen: bool = False,
    replayable: bool = True,
    attempt: int = 1,
    attempts: int = 2,
) -> bool:
    """Whether a GET that was sent and got no answer, unless said otherwise, may be retried."""
    return may_retry(
        failure,
        method=method,
        request_bytes_sent=sent,
        response_bytes_seen=seen,
        replayable=replayable,
        attempt=attempt,
        rule=RetryRule(attempts=attempts),
    )


@pytest.mark.parametrize(
    ("reason", "fault", "status"),
    [
        (FailureReason.CONNECT_REFUSED, Fault.UPSTREAM, 502),
        (FailureReason.CONNECT_TIMEOUT, Fault.UPSTREAM, 504),
        (FailureReason.CONNECT_ERROR, Fault.UPSTREAM, 502),
        (FailureReason.LOCAL_RESOURCES, Fault.PROXY, 503),
        (FailureReason.SURPLUS, Fault.UPSTREAM, 502),
        (FailureReason.RESET, Fault.UPSTREAM, 502),
        (FailureReason.TRUNCATED, Fault.UPSTREAM, 502),
        (FailureReason.RESPONSE_TIMEOUT, Fault.UPSTREAM, 504),
        (FailureReason.STALL, Fault.UPSTREAM, 504),
        (FailureReason.BAD_RESPONSE, Fault.UPSTREAM, 502),
        (FailureReason.NO_UPSTREAM, Fault.UPSTREAM, 503),
        (FailureReason.CLIENT_GONE, Fault.CLIENT, 499),
        (FailureReason.CLIENT_STALL, Fault.CLIENT, 408),
        (FailureReason.DRAIN_DEADLINE, Fault.PROXY, 503),
        (FailureReason.SHUTDOWN, Fault.PROXY, 503),
    ],
)
def test_what_follows_from_a_reason(reason: FailureReason, fault: Fault, status: int) -> None:
    """Each reason says whose fault it is and what the client is told."""
    failure = Failure(reason, detail="whatever the system said")
    assert (failure.fault, failure.status) == (fault, status)


@pytest.mark.parametrize("reason", FailureReason)
def test_every_reason_is_in_the_table(reason: FailureReason) -> None:
    """A reason without an entry would turn a failed request into a broken one."""
    assert 400 <= Failure(reason).status < 600


@pytest.mark.parametrize(
    ("method", "repeatable"),
    [
        (b"GET", True),
        (b"HEAD", True),
        (b"OPTIONS", True),
        (b"TRACE", True),
        (b"PUT", True),
        (b"DELETE", True),
        (b"POST", False),
        (b"PATCH", False),
        (b"CONNECT", False),
        (b"PROPFIND", False),
        (b"get", False),
    ],
)
def test_only_idempotent_methods_are_repeated(method: bytes, repeatable: bool) -> None:
    """RFC 9110 section 9.2.2: what may have had an effect is repeated only where twice is the same as once."""
    assert allowed(RESET, method) is repeatable
    assert is_idempotent(method) is repeatable


@pytest.mark.parametrize("method", METHODS)
def test_what_was_never_sent_may_always_be_tried_elsewhere(method: bytes) -> None:
    """A request none of whose bytes went out cannot have had an effect, whatever its method."""
    assert allowed(REFUSED, method, sent=False)
    assert not allowed(REFUSED, method, sent=False, replayable=False)


@pytest.mark.parametrize(
    ("attempt", "attempts", "granted"),
    [(1, 1, False), (1, 2, True), (2, 2, False), (2, 3, True), (3, 3, False), (1, 0, False)],
)
def test_attempts_count_all_tries(attempt: int, attempts: int, granted: bool) -> None:
    """Two attempts are one retry; one attempt is none."""
    assert allowed(RESET, attempt=attempt, attempts=attempts) is granted


@pytest.mark.parametrize(
    ("reason", "granted"),
    [
        (FailureReason.CONNECT_TIMEOUT, True),
        (FailureReason.CONNECT_ERROR, True),
        (FailureReason.RESPONSE_TIMEOUT, True),
        (FailureReason.STALL, True),
        (FailureReason.LOCAL_RESOURCES, True),
        (FailureReason.SURPLUS, False),
        (FailureReason.TRUNCATED, False),
        (FailureReason.BAD_RESPONSE, False),
        (FailureReason.NO_UPSTREAM, False),
        (FailureReason.CLIENT_GONE, False),
        (FailureReason.CLIENT_STALL, False),
        (FailureReason.DRAIN_DEADLINE, False),
        (FailureReason.SHUTDOWN, False),
    ],
)
def test_only_what_another_upstream_may_do_better_is_retried(reason: FailureReason, granted: bool) -> None:
    """Nobody else helps where the client left, this program stops, or there is no upstream."""
    assert allowed(Failure(reason), sent=False) is granted


@given(
    reason=st.sampled_from(FailureReason),
    method=st.sampled_from(METHODS),
    sent=st.booleans(),
    seen=st.booleans(),
    replayable=st.booleans(),
    attempt=st.integers(1, 5),
    attempts=st.integers(1, 5),
)
def test_a_retry_is_never_visible(
    reason: FailureReason, method: bytes, sent: bool, seen: bool, replayable: bool, attempt: int, attempts: int
) -> None:
    """Never after a byte of the answer, never without the body, never too often, never twice what may count twice."""
    granted = allowed(
        Failure(reason), method, sent=sent, seen=seen, replayable=replayable, attempt=attempt, attempts=attempts
    )
    if granted:
        assert not seen
        assert replayable
        assert attempt < attempts
        assert not sent or method in METHODS[:6]


def spent(budget: RetryBudget, now: float) -> int:
    """How many retries can be paid for at one moment."""
    count = 0
    while budget.withdraw(now):
        count += 1
    return count


@given(budget=st.integers(1, 100).map(lambda percent: percent / 100), requests=st.integers(0, 3_000))
def test_retries_are_a_share_of_the_requests(budget: float, requests: int) -> None:
    """Beyond the reserve, requests earn exactly their share of retries, and no more than 1,000 are kept."""
    bank = RetryBudget(budget)
    assert spent(bank, now=0.0) == 100
    for _ in range(requests):
        bank.deposit()
    assert spent(bank, now=0.0) == min(1_000, requests * round(budget * 100) // 100)


def test_a_quiet_service_may_still_retry() -> None:
    """The reserve refills by 10 a second, up to 100."""
    bank = RetryBudget(0.2)
    assert spent(bank, now=1_000.0) == 100
    assert spent(bank, now=1_000.0) == 0
    assert spent(bank, now=1_000.5) == 5
    assert spent(bank, now=1_000_000.0) == 100


def test_the_reserve_is_the_last_to_go() -> None:
    """While requests have earned retries, the reserve is not touched."""
    bank = RetryBudget(1.0)
    for _ in range(7):
        bank.deposit()
    assert spent(bank, now=5.0) == 107


def test_a_budget_of_zero_is_none() -> None:
    """Who allows no retries gets none, not even from the reserve."""
    bank = RetryBudget(0.0)
    for _ in range(1_000):
        bank.deposit()
    assert not bank.withdraw(now=1_000.0)
