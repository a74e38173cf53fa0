"""What a client has sent is kept in order, and heads are taken from its front."""

from __future__ import annotations

import pytest

from proxy.dataplane.inbox import MAX_AHEAD, Inbox
from proxy.http1.errors import RequestError
from proxy.http1.recent import Recent
from proxy.traffic.spec import Limits
from tests.dataplane.conftest import GET, POST


def filled(*pieces: bytes) -> Inbox:
    """An inbox into which these came."""
    inbox = Inbox()
    for piece in pieces:
        inbox.add(piece)
    return inbox


def test_a_head_is_there_once_its_last_byte_is() -> None:
    """However many looks were taken before."""
    inbox = Inbox()
    for byte in GET[:-1]:
        inbox.add(bytes([byte]))
        assert inbox.next_request(Limits(), Recent()) is None
        assert not inbox.has_head
    inbox.add(GET[-1:])
    request = inbox.next_request(Limits(), Recent())
    assert request is not None
    assert request[0].method == b"GET"
    assert inbox.data == b""


def test_what_follows_a_head_goes_with_it() -> None:
    """Its body, and whatever else came in the same piece."""
    request = filled(POST, GET).next_request(Limits(), Recent())
    assert request is not None
    assert request[1] == b"hello" + GET


def test_a_head_that_is_taken_leaves_no_trace_for_the_next() -> None:
    """A look at a part of one request does not make the end of the next one be overlooked."""
    inbox = filled(GET[:20])
    assert inbox.next_request(Limits(), Recent()) is None
    assert inbox.take() == GET[:20]
    inbox.add(b"GET / HTTP/1.1\r\nHost:a\r\n\r\n")
    assert inbox.next_request(Limits(), Recent()) is not None


def test_it_is_full_before_much_has_piled_up() -> None:
    """A client that sends far ahead is then not read from."""
    assert not filled(bytes(MAX_AHEAD)).full
    assert filled(bytes(MAX_AHEAD), b"x").full


def test_a_head_above_the_limit_is_refused() -> None:
    """Whole or not."""
    long = b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 200
    for data in (long, long + b"\r\n\r\n"):
        with pytest.raises(RequestError):
            filled(data).next_request(Limits(max_head=100), Recent())
