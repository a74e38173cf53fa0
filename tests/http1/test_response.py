from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import Reason, ResponseError
from proxy.http1.framing import CHUNKED, UNTIL_CLOSE
from proxy.http1.response import (
    MAX_RESPONSE_HEAD,
    ResponseHead,
    check_partial_response,
    forward_response,
    read_response,
    refuse_unasked_switch,
)
from tests.http1.heads import ANSWER, mutations, now, response_heads, strict_fields

OK = b"HTTP/1.1 200 OK"


def _answer(*fields: bytes, line: bytes = OK) -> bytes:
    return b"\r\n".join([line, *fields, b"", b""])


def _read(head: bytes, method: bytes = b"GET") -> ResponseHead:
    return read_response(head, method=method)


def _refusal(head: bytes) -> ResponseError:
    with pytest.raises(ResponseError) as error:
        _read(head)
    return error.value


def _passed_on(
    head: bytes, *, version: int = 11, keep_alive: bool = True, method: bytes = b"GET"
) -> list[tuple[bytes, bytes]]:
    response = _read(head, method)
    return strict_fields(
        forward_response(response, version=version, keep_alive=keep_alive, request_id=b"id-1", date=now)
    )


def _values(fields: list[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for lower, value in fields if lower == name]


@pytest.mark.parametrize(
    ("line", "fields", "method", "length"),
    [
        (OK, [b"Content-Length: 5"], b"GET", 5),
        (OK, [b"Content-Length: 005"], b"GET", 5),
        (OK, [b"Content-Length: 0"], b"GET", 0),
        (OK, [b"Transfer-Encoding: Chunked"], b"GET", CHUNKED),
        (OK, [], b"GET", UNTIL_CLOSE),
        (b"HTTP/1.0 200 OK", [], b"GET", UNTIL_CLOSE),
        (OK, [b"Content-Length: 5"], b"HEAD", 0),
        (OK, [b"Transfer-Encoding: chunked"], b"HEAD", 0),
        (OK, [], b"HEAD", 0),
        (b"HTTP/1.1 204 No Content", [b"Content-Length: 5"], b"GET", 0),
        (b"HTTP/1.1 204 No Content", [], b"GET", 0),
        (b"HTTP/1.1 204 No Content", [b"Transfer-Encoding: chunked"], b"GET", 0),
        (b"HTTP/1.1 304 Not Modified", [b"Content-Length: 5"], b"GET", 0),
        (b"HTTP/1.1 304 Not Modified", [b"Transfer-Encoding: chunked"], b"GET", 0),
        (b"HTTP/1.1 100 Continue", [], b"POST", 0),
        (b"HTTP/1.1 103 Early Hints", [b"Content-Length: 5"], b"GET", 0),
    ],
)
def test_body_length(line: bytes, fields: list[bytes], method: bytes, length: int) -> None:
    """The body ends where the method, the status and the fields say, in this order (RFC 9112 6.3)."""
    assert _read(_answer(*fields, line=line), method).length == length


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"HTTP/1.1",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1 600 OK",
        b"HTTP/1.1 999 OK",
        b"HTTP/1.1 +20 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1\t200 OK",
        b"HTTP/2.0 200 OK",
        b"HTTP/0.9 200 OK",
        b"http/1.1 200 OK",
        b" HTTP/1.1 200 OK",
        b"ICY 200 OK",
        b"HTTP/1.1 200 O\x00K",
        b"HTTP/1.1 200 O\rK",
        b"HTTP/1.1 200 O\nK",
        b"HTTP/1.1 200 O\x7fK",
        b"HTTP/1.1 200-OK",
    ],
)
def test_bad_status_lines_are_refused(line: bytes) -> None:
    """HTTP/1.0 or 1.1 and a status from 100 to 599, or nothing."""
    assert _refusal(_answer(b"Content-Length: 0", line=line)).reason is Reason.STATUS_LINE


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([b"Content-Length: 5", b"Transfer-Encoding: chunked"], Reason.FRAMING_CONFLICT),
        ([b"Content-Length: 5", b"Content-Length: 5"], Reason.CONTENT_LENGTH),
        ([b"Content-Length: 5, 5"], Reason.CONTENT_LENGTH),
        ([b"Content-Length: -1"], Reason.CONTENT_LENGTH),
        ([b"Transfer-Encoding: gzip"], Reason.TRANSFER_ENCODING),
        ([b"Transfer-Encoding: gzip, chunked"], Reason.CODING_UNKNOWN),
        ([b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"], Reason.TRANSFER_ENCODING),
        ([b"Connection: content-length"], Reason.CONNECTION),
        ([b"A : b"], Reason.FIELD),
        ([b"A: b", b" c"], Reason.FIELD),
        ([b"A: \x00"], Reason.FIELD),
        ([b"A: b\nC: d"], Reason.LINE_END),
        ([b"A: b\rC: d"], Reason.LINE_END),
        ([b"no colon"], Reason.FIELD),
        ([b"A: " + b"b" * 16384], Reason.FIELD_TOO_LONG),
    ],
)
def test_bad_fields_are_refused(fields: list[bytes], reason: Reason) -> None:
    """An upstream is held to the same grammar as a client; the client of this answer gets 502."""
    error = _refusal(_answer(*fields))
    assert (error.reason, error.status) == (reason, 502)


def test_a_head_that_is_too_long_is_refused() -> None:
    """64 KiB are enough for a head, even if it comes in one read."""
    head = _answer(b"Content-Length: 5", *[b"A: " + b"b" * 1000] * 66)
    assert _read(head[:1000] + b"\r\n\r\n").length == 5
    assert _refusal(head).reason is Reason.HEAD_TOO_LONG


def test_chunks_in_an_old_version_are_refused() -> None:
    """Transfer-Encoding in HTTP/1.0 is framing gone wrong (RFC 9112 6.1)."""
    head = _answer(b"Transfer-Encoding: chunked", line=b"HTTP/1.0 200 OK")
    assert _refusal(head).reason is Reason.TRANSFER_ENCODING


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (_answer(b"Content-Length: 0"), True),
        (_answer(b"Content-Length: 0", b"Connection: keep-alive"), True),
        (_answer(b"Content-Length: 0", b"Connection: close"), False),
        (_answer(b"Connection: keep-alive"), False),
        (_answer(b"Content-Length: 0", line=b"HTTP/1.0 200 OK"), False),
        (_answer(b"Content-Length: 0", b"Connection: Keep-Alive", line=b"HTTP/1.0 200 OK"), True),
        (_answer(b"Connection: upgrade", b"Upgrade: x", line=b"HTTP/1.1 101 Switching Protocols"), False),
    ],
)
def test_reuse_of_the_upstreams_connection(head: bytes, keep_alive: bool) -> None:
    """A connection is used again only if its answer has an end of its own and nobody said close."""
    assert _read(head).keep_alive is keep_alive


@pytest.mark.parametrize(
    ("content_type", "event_stream"),
    [
        (b"text/event-stream", True),
        (b"Text/Event-Stream;charset=utf-8", True),
        (b"text/event-stream ; charset=utf-8", True),
        (b"text/event-streams", False),
        (b"text/plain", False),
        (b"application/x; a=text/event-stream", False),
    ],
)
@pytest.mark.parametrize("more", [[], [b"Trailer: X"]], ids=["short", "long"])
def test_event_streams_are_told_apart(content_type: bytes, event_stream: bool, more: list[bytes]) -> None:
    """Server-sent events are known by their type, whatever its case and parameters, on either road."""
    assert _read(_answer(b"Content-Type: " + content_type, *more)).event_stream is event_stream


@given(response_heads | mutations(ANSWER), st.data())
def test_the_beginning_of_a_good_head_passes(head: bytes, data: st.DataObject) -> None:
    """An upstream that sends a good head in pieces is not refused before its end, wherever they are cut."""
    try:
        _read(head)
    except ResponseError:
        return
    end = data.draw(st.integers(1, len(head) - 1))
    seen = data.draw(st.integers(0, end - 1))
    check_partial_response(head[:seen], seen=0)
    check_partial_response(head[:end], seen=seen)


@pytest.mark.parametrize(
    ("begun", "reason"),
    [
        (b"I", Reason.STATUS_LINE),
        (b"\r", Reason.STATUS_LINE),
        (b"HTTP/2", Reason.STATUS_LINE),
        (b"HTTP/1.1 0", Reason.STATUS_LINE),
        (b"HTTP/1.1 200-", Reason.STATUS_LINE),
        (b"HTTP/1.1 200\n", Reason.STATUS_LINE),
        (b"HTTP/1.1 200 OK\n", Reason.LINE_END),
        (OK + b"\r\nA: b\n", Reason.LINE_END),
        (OK + b"\r\nA: b\rc", Reason.LINE_END),
        (OK + b"\r\nA: b\x7f", Reason.LINE_END),
        ((OK + b"\r\nA: ").ljust(MAX_RESPONSE_HEAD + 1, b"b"), Reason.HEAD_TOO_LONG),
    ],
)
def test_what_cannot_become_a_head_is_refused_at_once(begun: bytes, reason: Reason) -> None:
    """Whole or byte by byte; nobody waits for the rest of what is wrong already."""
    with pytest.raises(ResponseError) as error:
        check_partial_response(begun, seen=0)
    assert error.value.reason is reason
    check_partial_response(begun[:-1], seen=0)
    with pytest.raises(ResponseError):
        check_partial_response(begun, seen=len(begun) - 1)


@pytest.mark.parametrize("more", [[], [b"Trailer: x"]])
@pytest.mark.parametrize("version", [10, 11])
def test_there_is_one_date(more: list[bytes], version: int) -> None:
    """The upstream's own in whatever case, else the one that is handed in (RFC 9110 6.6.1), on every road."""
    for name in (b"Date", b"date", b"DATE"):
        passed = _passed_on(_answer(b"Content-Length: 0", name + b": then", *more), version=version)
        assert _values(passed, b"date") == [b"then"]
    passed = _passed_on(_answer(b"Content-Length: 0", b"X-Date: a", b"Update: b", *more), version=version)
    assert _values(passed, b"date") == [now()]


def test_an_ordinary_head_passes_as_bytes() -> None:
    """Nothing changes but the hop's own fields; Via and the request id stand at the end."""
    sent = forward_response(_read(ANSWER), version=11, keep_alive=True, request_id=b"id-1", date=now)
    assert sent == ANSWER[:-2].replace(b"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n", b"") + (
        b"Via: 1.1 bluegreen\r\nDate: %b\r\nX-Request-Id: id-1\r\n\r\n" % now()
    )


def test_the_upstreams_request_id_stays() -> None:
    """An application that names its answer itself is not overruled."""
    for more in ([], [b"Trailer: X"]):
        assert _values(_passed_on(_answer(b"x-request-ID: mine", *more)), b"x-request-id") == [b"mine"]


def test_hop_by_hop_fields_stay_behind() -> None:
    """What was said about the upstream's connection says nothing about the client's."""
    fields = _passed_on(
        _answer(
            b"Connection: close, X-Mine, Set-Cookie",
            b"X-Mine: 1",
            b"Set-Cookie: a=b",
            b"Keep-Alive: timeout=5",
            b"Proxy-Authenticate: Basic",
            b"Proxy-Connection: close",
            b"Trailer: X-Sum",
            b"Upgrade: h2,h2c",
            b"Content-Length: 0005",
            b"Server: x",
            b"Date: y",
        )
    )
    assert [name for name, _ in fields] == [
        b"set-cookie",
        b"content-length",
        b"server",
        b"date",
        b"via",
        b"x-request-id",
    ]
    assert _values(fields, b"content-length") == [b"5"]


@pytest.mark.parametrize(
    ("framing", "version", "sent"),
    [
        ([b"Content-Length: 5"], 11, []),
        ([b"Content-Length: 5"], 10, []),
        ([b"Transfer-Encoding: chunked"], 11, [b"chunked"]),
        ([b"Transfer-Encoding: chunked"], 10, []),
        ([], 11, [b"chunked"]),
        ([], 10, []),
    ],
)
def test_framing_for_each_version(framing: list[bytes], version: int, sent: list[bytes]) -> None:
    """A body without a length is chunked for HTTP/1.1 and ends with the connection for HTTP/1.0."""
    assert _values(_passed_on(_answer(*framing), version=version, keep_alive=False), b"transfer-encoding") == sent


def test_an_older_client_is_not_kept_for_an_endless_body() -> None:
    """Only the close can end a body without a length for HTTP/1.0, so it cannot be told to stay."""
    with pytest.raises(ValueError, match="close"):
        forward_response(_read(_answer()), version=10, keep_alive=True, request_id=b"i", date=now)


@pytest.mark.parametrize(
    ("version", "keep_alive", "connection"),
    [(11, True, []), (11, False, [b"close"]), (10, True, [b"keep-alive"]), (10, False, [b"close"])],
)
def test_the_client_is_told_what_is_not_its_default(version: int, keep_alive: bool, connection: list[bytes]) -> None:
    """Connection says what the client's version does not say by itself."""
    fields = _passed_on(_answer(b"Content-Length: 5"), version=version, keep_alive=keep_alive)
    assert _values(fields, b"connection") == connection


def test_bodiless_answers_announce_no_body() -> None:
    """204 and interim answers have no length; those to HEAD and 304 keep the one that they are about."""
    length = b"Content-Length: 5"
    assert _values(_passed_on(_answer(length, line=b"HTTP/1.1 204 No Content")), b"content-length") == []
    assert _values(_passed_on(_answer(length, line=b"HTTP/1.1 304 Not Modified")), b"content-length") == [b"5"]
    assert _values(_passed_on(_answer(length), method=b"HEAD"), b"content-length") == [b"5"]
    for line, method in [(b"HTTP/1.1 204 No", b"GET"), (b"HTTP/1.1 304 Not", b"GET"), (OK, b"HEAD")]:
        for framing in ([], [b"Transfer-Encoding: chunked"]):
            assert _values(_passed_on(_answer(*framing, line=line), method=method), b"transfer-encoding") == []


def test_an_interim_answer_is_passed_on_bare() -> None:
    """A 1xx says nothing about the connection and gets no id: the final answer does."""
    fields = _passed_on(
        _answer(b"Link: </a>", b"Connection: close", line=b"HTTP/1.1 103 Early Hints"), keep_alive=False
    )
    assert fields == [(b"link", b"</a>"), (b"via", b"1.1 bluegreen")]


def test_the_status_line_is_of_this_proxys_version() -> None:
    """Old versions and a missing space are mended, the reason is not touched."""
    for line, sent in [
        (b"HTTP/1.0 404 Not\xe9 Found", b"HTTP/1.1 404 Not\xe9 Found"),
        (b"HTTP/1.1 200", b"HTTP/1.1 200 "),
        (b"HTTP/1.1 200 ", b"HTTP/1.1 200 "),
    ]:
        head = _read(_answer(b"Content-Length: 0", line=line))
        out = forward_response(head, version=11, keep_alive=True, request_id=b"i", date=now)
        assert out.startswith(sent + b"\r\n")
        assert _values(strict_fields(out), b"via") == [b"1.%d bluegreen" % (head.version - 10)]


def test_switching_protocols() -> None:
    """A 101 is passed on with the protocol it names, and has a request id like every other answer."""
    head = _read(_answer(b"Upgrade: WebSocket", b"Connection: Upgrade", b"A: b", line=b"HTTP/1.1 101 Switching"))
    assert (head.upgrade, head.length) == (b"WebSocket", 0)
    refuse_unasked_switch(head, b"x/1, websocket")
    fields = strict_fields(forward_response(head, version=11, keep_alive=True, request_id=b"i", date=now))
    switch = [(b"connection", b"upgrade"), (b"upgrade", b"WebSocket")]
    assert fields == [(b"a", b"b"), (b"via", b"1.1 bluegreen"), *switch, (b"x-request-id", b"i")]
    for asked in (b"", b"h2c", b"websocket/13", b"websockets"):
        with pytest.raises(ResponseError):
            refuse_unasked_switch(head, asked)


@pytest.mark.parametrize(
    "fields",
    [
        [b"Connection: upgrade"],
        [b"Upgrade: websocket"],
        [b"Connection: keep-alive, upgraded", b"Upgrade: websocket"],
        [b"Connection: upgrade", b"Upgrade: a", b"Upgrade: b"],
        [b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 0"],
        [b"Connection: upgrade", b"Upgrade: websocket", b"Transfer-Encoding: chunked"],
    ],
)
def test_a_broken_switch_is_refused(fields: list[bytes]) -> None:
    """A 101 names one protocol and has no body."""
    assert _refusal(_answer(*fields, line=b"HTTP/1.1 101 Switching")).reason is Reason.UPGRADE


@given(
    response_heads
    | mutations(ANSWER)
    | st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda b: b + b"\r\n\r\n"),
    st.sampled_from([b"GET", b"HEAD"]),
)
def test_garbage_is_read_or_refused(head: bytes, method: bytes) -> None:
    """Whatever an upstream sends, out comes a response or a ResponseError; what is passed on is in the grammar."""
    try:
        response = _read(head, method)
    except ResponseError:
        return
    for version in (10, 11):
        strict_fields(forward_response(response, version=version, keep_alive=False, request_id=b"id-1", date=now))
