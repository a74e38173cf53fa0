from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import Reason, RequestError
from proxy.http1.partial import check_partial_head, head_end, skip_blank_lines
from proxy.http1.request import read_request
from tests.http1.heads import BROWSER, mutations, request_heads


@dataclass(frozen=True)
class Limits:
    max_head: int = 64 * 1024


HEAD = b"POST /a?b HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nX-A: b\r\n\r\n"


@pytest.mark.parametrize(
    ("buffer", "start"),
    [
        (b"GET", 0),
        (b"\r", 0),
        (b"\r\nGET", 2),
        (b"\r\n\r\nGET", 4),
        (b"\r\n\r\n\r\nGET", 4),
        (b"\n\nGET", 0),
    ],
)
def test_two_blank_lines_are_skipped(buffer: bytes, start: int) -> None:
    """At most two empty lines may stand before a request."""
    assert skip_blank_lines(buffer) == start


def test_end_of_head() -> None:
    """A head ends after its empty line; what follows is not looked at."""
    assert head_end(HEAD + b"hello\r\n\r\n") == len(HEAD)
    assert head_end(HEAD[:-1]) == -1
    assert head_end(bytearray(HEAD), len(HEAD) - 4) == len(HEAD)


@given(st.integers(0, len(HEAD) - 1), st.integers(0, len(HEAD) - 1))
def test_no_part_of_a_good_head_is_refused(cut: int, seen: int) -> None:
    """Wherever a good head is cut, waiting for the rest is right."""
    check_partial_head(HEAD[:cut], Limits(), seen=min(seen, cut))
    check_partial_head(b"\r\n" + HEAD[:cut], Limits(), 2)


@pytest.mark.parametrize(
    ("buffer", "reason"),
    [
        (b"\r\n", Reason.REQUEST_LINE),
        (b"\n", Reason.REQUEST_LINE),
        (b"\x16\x03\x01\x02\x00\x01\x00", Reason.NOT_HTTP),
        (b" GET / HTTP/1.1", Reason.NOT_HTTP),
        (b"GET /\x00", Reason.NOT_HTTP),
        (b"GET / FTP", Reason.NOT_HTTP),
        (b"A" * 40, Reason.NOT_HTTP),
        (b"GET / HTTP/1.1\nHost", Reason.LINE_END),
        (b"GET / HTTP/1.1\r\nHost: a\n", Reason.LINE_END),
        (b"GET / HTTP/1.1\r\nHost: a\rb", Reason.LINE_END),
        (b"GET /\r\n", Reason.REQUEST_LINE),
        (b"GET / HTTP/2.0\r\n", Reason.VERSION),
        (b"TRACE / HTTP/1.1\r\n", Reason.METHOD_REFUSED),
        (b"GET /" + b"a" * 8190, Reason.LINE_TOO_LONG),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 65536, Reason.HEAD_TOO_LONG),
    ],
)
def test_what_cannot_become_a_head_is_refused_at_once(buffer: bytes, reason: Reason) -> None:
    """A client whose bytes cannot become a request does not have to wait for the timeout to hear so."""
    with pytest.raises(RequestError) as error:
        check_partial_head(buffer, Limits())
    assert error.value.reason is reason


def test_a_cr_and_its_lf_may_come_apart() -> None:
    """A line end that is cut between its two bytes is a line end; a bare LF after bytes seen before is not."""
    check_partial_head(b"GET / HTTP/1.1\r", Limits())
    check_partial_head(b"GET / HTTP/1.1\r\n", Limits(), seen=15)
    with pytest.raises(RequestError):
        check_partial_head(b"GET / HTTP/1.1\rX", Limits(), seen=15)
    with pytest.raises(RequestError):
        check_partial_head(b"GET / HTTP/1.1\n", Limits(), seen=14)


@given(
    st.lists(
        st.sampled_from([b"GET ", b"/", b" HTTP/1.1", b"\r\n", b"\r", b"\n", b"Host: a", b"\x00", b":"]), max_size=12
    )
)
def test_early_refusal_agrees_with_the_late_one(parts: list[bytes]) -> None:
    """Whatever is refused while it is incomplete would have been refused when complete."""
    part = b"".join(parts)
    start = skip_blank_lines(part)
    if head_end(part, start) >= 0:
        return
    try:
        check_partial_head(part, Limits(), start)
    except RequestError:
        whole = part[start:].removesuffix(b"\r") + b"\r\n\r\n"
        with pytest.raises(RequestError):
            read_request(whole, max_headers=100)


def _status(read: Callable[[], object]) -> int:
    try:
        read()
    except RequestError as error:
        return error.status
    return 0


def _trickle(head: bytes) -> None:
    for end in range(1, len(head)):
        check_partial_head(head[:end], Limits(), seen=end - 1)
    read_request(head, max_headers=20)


@given(request_heads | mutations(BROWSER))
def test_pieces_do_not_change_the_answer(head: bytes) -> None:
    """A head that comes byte by byte gets the same status as one that comes whole."""
    if head_end(head) == len(head):
        assert _status(lambda: _trickle(head)) == _status(lambda: read_request(head, max_headers=20))
