from __future__ import annotations

import pytest

from proxy.control.gates.finding import LONGEST_WISH, Reply, Verdict, by_status, rest

NOON = 784_111_777.0 - 10
"""Ten seconds before the moment of the example in RFC 9110 5.6.7."""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("86400", LONGEST_WISH),
        ("9" * 400, LONGEST_WISH),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 10.0),
        ("Sun, 06 Nov 1994 07:49:37 GMT", 0.0),
        ("Sun, 06 Nov 2094 08:49:37 GMT", LONGEST_WISH),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_honoured_within_reason(text: str, seconds: float | None) -> None:
    """As seconds and as a moment; what is neither is passed over, and nobody lets a shift wait for an hour."""
    found = by_status(Reply(503, {"Retry-After": text}, b"", whole=True), "", NOON)
    assert (found.verdict, found.retry_after) == (Verdict.AGAIN, seconds)


def test_rests_grow_up_to_a_bound() -> None:
    """Unless the gate has said how long it should be."""
    assert [rest(tries, None) for tries in (1, 2, 3, 4, 5, 10_000)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert rest(1, 0.0) == 0.0


@pytest.mark.parametrize("status", [101, 400, 404, 418, 499, 600, 999])
def test_every_other_status_is_no(status: int) -> None:
    """Only what says that it agrees has agreed."""
    assert by_status(Reply(status, {}, b"", whole=True), "", NOON).verdict is Verdict.NO
