"""Each kind of head has two roads through this package. They must lead to the same place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.http1.errors import RequestError, ResponseError, WireError
from proxy.http1.fields import HOP_BY_HOP
from proxy.http1.forwarding import Forwarding, client_request_id, forward_request
from proxy.http1.framing import CHUNKED
from proxy.http1.heads import RequestFields, RequestHead, ResponseHead
from proxy.http1.recent import Recent
from proxy.http1.request import read_request
from proxy.http1.response import forward_response, read_response
from proxy.http1.unusual_request import read_unusual
from proxy.http1.unusual_response import read_unusual_response
from tests.http1.heads import ANSWER, BROWSER, mutations, now, request_heads, response_heads, strict_fields

T = TypeVar("T")

PEERS = [Forwarding(peer=b"192.0.2.7"), Forwarding(peer=b"2001:db8::1", trusted=True)]
REQUEST = [
    "method",
    "target",
    "path",
    "version",
    "authority",
    "host",
    "length",
    "keep_alive",
    "expect_continue",
    "upgrade",
    "traceparent",
]
RESPONSE = ["status", "version", "length", "keep_alive", "event_stream", "has_request_id", "upgrade"]


def _outcome(read: Callable[[], T]) -> T | tuple[str, int]:
    try:
        return read()
    except WireError as error:
        return error.reason, error.status


def _same(again: object, first: object) -> None:
    """The same in every respect, or refused for the same reason."""
    if not isinstance(first, RequestHead | ResponseHead):
        assert again == first
        return
    assert type(again) is type(first)
    for name in ("raw", "fields", "passed", *(REQUEST if isinstance(first, RequestHead) else RESPONSE)):
        assert getattr(again, name) == getattr(first, name)


def _same_request(head: bytes) -> None:
    short = _outcome(lambda: read_request(head, max_headers=20))
    long = _outcome(lambda: read_unusual(head, 20))
    recent: Recent[RequestFields] = Recent()
    for _ in range(3):
        _same(_outcome(lambda: read_request(head, max_headers=20, recent=recent)), short)
    if not isinstance(short, RequestHead) or not isinstance(long, RequestHead):
        assert short == long
        return
    assert [getattr(short, name) for name in REQUEST] == [getattr(long, name) for name in REQUEST]
    assert client_request_id(short) == client_request_id(long)
    for peer in PEERS:
        sent = [forward_request(request, peer, b"id-1", b"", request.traceparent) for request in (short, long)]
        assert sent[0].split(b"\r\n")[0] == sent[1].split(b"\r\n")[0]
        assert strict_fields(sent[0]) == strict_fields(sent[1])


def _framing_last(head: bytes) -> list[tuple[bytes, bytes]]:
    """The fields in order, except that the long road moves Transfer-Encoding to the end."""
    return sorted(strict_fields(head), key=lambda field: field[0] == b"transfer-encoding")


def _same_response(head: bytes, method: bytes) -> None:
    short = _outcome(lambda: read_response(head, method=method))
    long = _outcome(lambda: read_unusual_response(head, method))
    recent: Recent[ResponseHead] = Recent()
    for _ in range(3):
        _same(_outcome(lambda: read_response(head, method=method, recent=recent)), short)
    if not isinstance(short, ResponseHead) or not isinstance(long, ResponseHead):
        assert short == long
        return
    assert [getattr(short, name) for name in RESPONSE] == [getattr(long, name) for name in RESPONSE]
    for version, keep_alive in [(11, True), (11, False), (10, False), (10, short.length >= 0)]:
        sent = [
            forward_response(response, version=version, keep_alive=keep_alive, request_id=b"id-1", date=now)
            for response in (short, long)
        ]
        assert sent[0].split(b"\r\n")[0] == sent[1].split(b"\r\n")[0]
        assert _framing_last(sent[0]) == _framing_last(sent[1])


@settings(max_examples=500)
@given(request_heads)
def test_requests(head: bytes) -> None:
    """Taken short or long, a request is the same values, the same refusal, and the same fields for the upstream."""
    _same_request(head)


@given(mutations(BROWSER))
def test_broken_requests(head: bytes) -> None:
    """The same holds for a browser's head with a few bytes changed."""
    _same_request(head)


@settings(max_examples=500)
@given(response_heads, st.sampled_from([b"GET", b"HEAD"]))
def test_responses(head: bytes, method: bytes) -> None:
    """Taken short or long, a response is the same values, the same refusal, and the same fields for the client."""
    _same_response(head, method)


@given(mutations(ANSWER), st.sampled_from([b"GET", b"HEAD"]))
def test_broken_responses(head: bytes, method: bytes) -> None:
    """The same holds for an ordinary answer with a few bytes changed."""
    _same_response(head, method)


REPEATED = [
    b"Connection: keep-alive",
    b"Content-Length: 5",
    b"Content-Type: a/b",
    b"Keep-Alive: timeout=5",
    b"X-Request-Id: a",
]


@pytest.mark.parametrize("field", [*REPEATED, b"Connection: close", b"Host: a.example", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("between", [[], [b"Accept: */*"], [b"Content-Length: 7"]])
def test_repeated_fields(field: bytes, between: list[bytes]) -> None:
    """A second field of a kind is never overlooked: no road cuts out one and leaves the other."""
    fields = [field, *between, field, b"", b""]
    _same_request(b"\r\n".join([b"GET / HTTP/1.1", b"Host: a.example", *fields]))
    _same_response(b"\r\n".join([b"HTTP/1.1 200 OK", *fields]), b"GET")


ACTED_UPON = sorted(HOP_BY_HOP | {b"expect", b"proxy", b"via", b"forwarded", b"x-real-ip", b"x-forwarded-for", b"x_y"})


@pytest.mark.parametrize("name", ACTED_UPON)
def test_each_field_alone(name: bytes) -> None:
    """The short road lets no field pass on which the long one acts."""
    field = name.title() + b": a"
    _same_request(b"\r\n".join([b"GET / HTTP/1.1", b"Host: a.example", field, b"", b""]))
    _same_response(b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Length: 5", field, b"", b""]), b"GET")


def test_ordinary_heads_take_the_short_road() -> None:
    """The property tests compare something: these heads do not need the long road."""
    assert read_request(BROWSER, max_headers=20).fields is None
    assert read_response(ANSWER, method=b"GET").fields is None


@given(request_heads | mutations(BROWSER))
def test_llhttp_accepts_what_is_forwarded(head: bytes) -> None:
    """A second opinion: no request is forwarded that a widely used parser would refuse."""
    try:
        request = read_request(head, max_headers=100)
    except RequestError:
        return
    parser = httptools.HttpRequestParser(object())
    sent = forward_request(request, PEERS[0], b"id-1")
    if request.upgrade:
        with pytest.raises(httptools.HttpParserUpgrade):
            parser.feed_data(sent)
        return
    parser.feed_data(sent)
    assert (parser.get_method(), parser.get_http_version()) == (request.method, "1.1")


class _Completion:
    def __init__(self) -> None:
        self.complete = False

    def on_message_complete(self) -> None:
        self.complete = True


@given(response_heads | mutations(ANSWER))
def test_llhttp_accepts_what_is_answered(head: bytes) -> None:
    """No answer is passed on that a widely used parser would refuse, or would see another end of."""
    try:
        response = read_response(head, method=b"GET")
    except ResponseError:
        return
    if response.status == 101:
        return
    seen = _Completion()
    parser = httptools.HttpResponseParser(seen)
    parser.feed_data(forward_response(response, version=11, keep_alive=True, request_id=b"id-1", date=now))
    assert parser.get_status_code() == response.status
    assert seen.complete is (response.length == 0)
    parser.feed_data(b"0\r\n\r\n" if response.length < 0 else b"x" * min(response.length, 99))
    assert seen.complete is (response.length <= 99 or response.length == CHUNKED)
