"""Answers: an upstream's on its way to the client, and those of the front door itself."""

from __future__ import annotations

import errno
import time
from email.utils import parsedate_to_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dataplane.answer import MAX_INTERIM, Answer
from proxy.dataplane.dates import DateValue
from proxy.dataplane.failures import connect_failure, overdue
from proxy.dataplane.responses import own_answer
from proxy.http1.chunked import ChunkedDecoder
from proxy.http1.errors import ResponseError
from proxy.http1.request import read_request
from proxy.http1.response import MAX_RESPONSE_HEAD
from proxy.traffic.retry import FailureReason, Fault

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


def answer_to(request: bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") -> Answer:
    """The answer to be to a request."""
    return Answer(read_request(request, max_headers=100), b"id", DateValue())


@given(st.lists(st.integers(1, len(CONTINUE + CHUNKED) - 1)))
def test_an_answer_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    """Interim head, final head and body, byte by byte or at once."""
    data = CONTINUE + CHUNKED
    edges = sorted({0, *cuts, len(data)})
    answer, out = answer_to(), b""
    for start, end in pairwise(edges):
        piece = data[start:end]
        out += answer.feed_body(piece) if answer.head is not None else answer.feed_head(piece, keep_alive=True)
    assert answer.done
    assert answer.reusable
    assert out.count(b"HTTP/1.1 ") == 2
    assert out.endswith(b"\r\n0\r\n\r\n")
    chunks = out.partition(b"\r\n\r\n")[2].partition(b"\r\n\r\n")[2]
    assert b"".join(ChunkedDecoder(ResponseError).feed(chunks)) == b"hello"


def test_heads_have_bounds() -> None:
    """Neither a head without end nor interim heads without end are read for ever."""
    with pytest.raises(ResponseError):
        answer_to().feed_head(b"HTTP/1.1 200 OK\r\nA: " + b"a" * MAX_RESPONSE_HEAD, keep_alive=True)
    with pytest.raises(ResponseError):
        answer_to().feed_head(CONTINUE * (MAX_INTERIM + 1), keep_alive=True)


def test_a_1_0_client_hears_of_no_interim_answer_and_of_no_chunks() -> None:
    """It knows neither; so its connection ends with the body."""
    answer = answer_to(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    out = answer.feed_head(CONTINUE + CHUNKED, keep_alive=True)
    assert not answer.keep_alive
    assert out.startswith(b"HTTP/1.1 200 ")
    assert out.endswith(b"\r\n\r\nhello")


def test_an_own_answer_is_whole() -> None:
    """Length and body agree; a HEAD gets the head alone; 503 says when to come back."""
    head, _, body = own_answer(503, b"id", "why", date=b"now", keep_alive=False, head_only=False).partition(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % len(body) in head + b"\r\n"
    assert b"Retry-After: " in head
    assert b"Connection: close" in head
    assert body == b"503 Service Unavailable\nwhy\nrequest id: id\n"
    assert own_answer(404, b"id", "why", date=b"now", keep_alive=True, head_only=True).endswith(b"\r\n\r\n")


def test_an_own_answer_says_when_and_what_its_status_asks_for() -> None:
    """Date as in every answer, and the fields without which a status is incomplete."""
    answer = own_answer(405, b"id", "why", date=b"now", keep_alive=False, head_only=False, fields=b"Allow: GET\r\n")
    head = answer.partition(b"\r\n\r\n")[0]
    assert {b"Date: now", b"Allow: GET"} <= set(head.split(b"\r\n"))


def test_the_date_is_of_this_second() -> None:
    """It is written once a second and right all the same."""
    date, before = DateValue(), int(time.time())
    told = [int(parsedate_to_datetime(date.now().decode()).timestamp()) for _ in range(3)]
    assert before <= told[0] <= told[-1] <= time.time()


def test_a_lack_of_our_own_is_not_held_against_an_upstream() -> None:
    """What connect says tells whose fault it is."""
    assert connect_failure(OSError(errno.EMFILE, "too many open files")).fault is Fault.PROXY
    assert connect_failure(ConnectionRefusedError()).reason is FailureReason.CONNECT_REFUSED
    assert connect_failure(OSError(errno.EADDRNOTAVAIL, "no port is left")).reason is FailureReason.LOCAL_RESOURCES
    assert connect_failure(OSError(errno.ENOSPC, "no watch is left")).reason is FailureReason.LOCAL_RESOURCES
    assert connect_failure(ConnectionResetError()).reason is FailureReason.RESET
    assert connect_failure(TimeoutError()).reason is FailureReason.CONNECT_TIMEOUT
    assert connect_failure(OSError(errno.EHOSTUNREACH, "no route")).reason is FailureReason.CONNECT_ERROR


@pytest.mark.parametrize(
    ("client_full", "upstream_full", "upstream_owes", "uploaded", "reason"),
    [
        (True, True, False, True, FailureReason.CLIENT_STALL),
        (False, True, True, True, FailureReason.STALL),
        (False, False, True, True, FailureReason.RESPONSE_TIMEOUT),
        (False, False, False, True, FailureReason.STALL),
        (False, False, False, False, FailureReason.CLIENT_STALL),
    ],
)
def test_whose_turn_it_was_tells_whose_fault_it_is(
    client_full: bool, upstream_full: bool, upstream_owes: bool, uploaded: bool, reason: FailureReason
) -> None:
    """For every way in which nothing can happen."""
    failure = overdue(
        client_full=client_full, upstream_full=upstream_full, upstream_owes=upstream_owes, uploaded=uploaded
    )
    assert failure.reason is reason
