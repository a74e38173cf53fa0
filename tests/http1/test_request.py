from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import Reason, RequestError
from proxy.http1.framing import CHUNKED
from proxy.http1.grammar import MAX_FIELD
from proxy.http1.request import RequestHead, read_request
from tests.http1.heads import BROWSER, mutations, request_heads

LINE = b"POST /a?b HTTP/1.1\r\n"
HOST = b"Host: a.example\r\n"


def _read(head: bytes, max_headers: int = 100) -> RequestHead:
    return read_request(head, max_headers=max_headers)


def _refusal(head: bytes, max_headers: int = 100) -> RequestError:
    with pytest.raises(RequestError) as error:
        _read(head, max_headers)
    return error.value


def _with_fields(*fields: bytes, line: bytes = LINE, host: bytes = HOST) -> bytes:
    return line + host + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def test_an_ordinary_head() -> None:
    """What a browser sends is read without being taken apart."""
    head = _read(BROWSER)
    assert head.fields is None
    assert (head.method, head.target, head.path) == (b"GET", b"/assets/app.js?v=12&lang=de", b"/assets/app.js")
    assert (head.version, head.authority, head.host) == (11, b"www.Example.com:8080", b"www.example.com")
    assert (head.length, head.keep_alive, head.expect_continue, head.upgrade) == (0, True, False, b"")


@pytest.mark.parametrize(
    "field",
    [
        b"Content-Length: 5",
        b"connection: Close",
        b"Content-Language: de",
        b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"X-Requested-With: XMLHttpRequest",
        b"X-Forward: no",
        b"Test: a",
        b"Upgrade-Insecure-Requests: 1",
        b"Priority: u=1",
        b"Hostess: x",
        b"Authorization: Basic YTpi",
    ],
)
def test_common_fields_are_ordinary(field: bytes) -> None:
    """The short road is taken by everything on which this proxy does not act."""
    assert _read(_with_fields(field)).fields is None


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        ([], 0),
        ([b"Content-Length: 0"], 0),
        ([b"Content-Length: 5"], 5),
        ([b"Content-Length:\t 5 "], 5),
        ([b"Content-Length: 0005"], 5),
        ([b"Content-Length: 9223372036854775807"], 2**63 - 1),
        ([b"Transfer-Encoding: chunked"], CHUNKED),
        ([b"tRANSFER-eNCODING:Chunked "], CHUNKED),
    ],
)
def test_body_length(fields: list[bytes], length: int) -> None:
    """The body is what one good framing field says, and empty without one: never until the close."""
    assert _read(_with_fields(*fields)).length == length


@pytest.mark.parametrize(
    ("fields", "reason", "status"),
    [
        ([b"Content-Length: 5", b"Transfer-Encoding: chunked"], Reason.FRAMING_CONFLICT, 400),
        ([b"Transfer-Encoding: chunked", b"Content-Length: 5"], Reason.FRAMING_CONFLICT, 400),
        ([b"Content-Length: 5", b"Content-Length: 5"], Reason.CONTENT_LENGTH, 400),
        ([b"Content-Length: 5", b"content-length: 6"], Reason.CONTENT_LENGTH, 400),
        *[
            ([b"Content-Length: " + value], Reason.CONTENT_LENGTH, 400)
            for value in [
                b"",
                b"5, 5",
                b"+5",
                b"-5",
                b"0x5",
                b"5_0",
                b"5.0",
                b"5e0",
                b"5 5",
                b"a",
                b"9223372036854775808",
                b"9" * 50,
                b"\xb2",
                b'"5"',
                b"5;",
            ]
        ],
        *[
            ([b"Transfer-Encoding: " + value], Reason.TRANSFER_ENCODING, 400)
            for value in [
                b"",
                b"xchunked",
                b"chunked, gzip",
                b",chunked",
                b"chunked,",
                b'"chunked"',
                b"chunked;a=b",
                b"identity",
                b"gzip",
                b"chunked, chunked",
                b"chunked\xa0",
                b"\x85chunked",
                b"chunked chunked",
                b"identity, chunked",
            ]
        ],
        ([b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"], Reason.TRANSFER_ENCODING, 400),
        ([b"Transfer-Encoding: gzip, chunked"], Reason.CODING_UNKNOWN, 501),
        ([b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"], Reason.CODING_UNKNOWN, 501),
    ],
)
def test_ambiguous_framing_is_refused(fields: list[bytes], reason: Reason, status: int) -> None:
    """Two parsers must not be able to see two different ends of a body."""
    error = _refusal(_with_fields(*fields))
    assert (error.reason, error.status) == (reason, status)


def test_chunks_in_an_old_version_are_refused() -> None:
    """HTTP/1.0 knows no Transfer-Encoding; some servers would ignore it, some would not."""
    head = _with_fields(b"Transfer-Encoding: chunked", line=b"POST / HTTP/1.0\r\n")
    assert _refusal(head).reason is Reason.TRANSFER_ENCODING


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([b"A: b\nC: d"], Reason.LINE_END),
        ([b"A: b\rC: d"], Reason.LINE_END),
        ([b"A: b\r"], Reason.LINE_END),
        ([b"A\r: b"], Reason.LINE_END),
        ([b"A: b\x00"], Reason.FIELD),
        ([b"A: \x01"], Reason.FIELD),
        ([b"A: \x7f"], Reason.FIELD),
        ([b"A: \x0b"], Reason.FIELD),
        ([b"A\x00: b"], Reason.FIELD),
        ([b"A: b", b" folded"], Reason.FIELD),
        ([b"A: b", b"\tfolded"], Reason.FIELD),
        ([b"A : b"], Reason.FIELD),
        ([b"A\t: b"], Reason.FIELD),
        ([b"Content-Length : 5"], Reason.FIELD),
        ([b": b"], Reason.FIELD),
        ([b"no colon"], Reason.FIELD),
        ([b"A B: c"], Reason.FIELD),
        ([b"A(): c"], Reason.FIELD),
        ([b"caf\xe9: c"], Reason.FIELD),
        ([b'"A": c'], Reason.FIELD),
    ],
)
def test_fields_outside_the_grammar_are_refused(fields: list[bytes], reason: Reason) -> None:
    """Line ends, folds, names and control characters: no leniency."""
    assert _refusal(_with_fields(*fields)).reason is reason


def test_leading_space_on_the_first_field_is_refused() -> None:
    """A fold has no line to belong to after the request line, and is no field either."""
    assert _refusal(b"GET / HTTP/1.1\r\n Host: a\r\n\r\n").reason is Reason.FIELD


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        _with_fields(b"Host: a.example"),
        _with_fields(b"host: b.example"),
        _with_fields(host=b"Host:\r\n"),
        _with_fields(host=b"Host: \r\n", line=b"GET / HTTP/1.0\r\n"),
        _with_fields(host=b"Host: a, b\r\n"),
        _with_fields(host=b"Host: u@a\r\n"),
        _with_fields(host=b"Host: a/b\r\n"),
        _with_fields(host=b"Host: a b\r\n"),
        _with_fields(host=b"Host: a:b\r\n"),
        _with_fields(host=b"Host: a:99999\r\n"),
        _with_fields(line=b"GET http://b.example/ HTTP/1.1\r\n"),
        _with_fields(line=b"GET http:///x HTTP/1.1\r\n"),
        _with_fields(line=b"GET http:///x HTTP/1.0\r\n", host=b""),
        _with_fields(line=b"GET http://u@a.example/ HTTP/1.1\r\n"),
        _with_fields(line=b"GET http://a.example/ HTTP/1.1\r\n", host=b""),
        _with_fields(line=b"GET http://u@a.example/ HTTP/1.0\r\n", host=b""),
    ],
)
def test_host_is_one_and_valid(head: bytes) -> None:
    """Exactly one Host in HTTP/1.1, at most one before, and none that disagrees with an absolute target."""
    assert _refusal(head).reason is Reason.HOST


def test_absolute_form() -> None:
    """A target in absolute-form that agrees with Host is read as its path."""
    head = _read(_with_fields(line=b"GET http://A.example?q HTTP/1.1\r\n"))
    assert (head.target, head.path, head.host) == (b"/?q", b"/", b"a.example")
    alone = _read(b"GET http://a.example:80/x HTTP/1.0\r\n\r\n")
    assert (alone.target, alone.host, alone.authority) == (b"/x", b"a.example", b"a.example:80")


def test_too_much_is_refused() -> None:
    """Number of fields, size of a field, size of the request line: each limit has its status."""
    fields = [b"A%d: b" % i for i in range(99)]
    assert _read(_with_fields(*fields)).fields is None
    assert _refusal(_with_fields(*fields, b"B: c")).status == 431
    assert _refusal(_with_fields(*fields), max_headers=50).reason is Reason.TOO_MANY_FIELDS
    assert _read(_with_fields(b"A: " + b"b" * (MAX_FIELD - 3))).host == b"a.example"
    assert _refusal(_with_fields(b"A: " + b"b" * MAX_FIELD)).reason is Reason.FIELD_TOO_LONG
    assert _refusal(_with_fields(line=b"GET /%b HTTP/1.1\r\n" % (b"a" * 8192))).status == 414


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        (b"1.1", None, True),
        (b"1.1", b"keep-alive", True),
        (b"1.1", b"close", False),
        (b"1.1", b"CLOSE", False),
        (b"1.1", b"keep-alive, close", False),
        (b"1.1", b"x, , Close", False),
        (b"1.1", b"closed", True),
        (b"1.0", None, False),
        (b"1.0", b"Keep-Alive", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_keep_alive(version: bytes, connection: bytes | None, keep_alive: bool) -> None:
    """HTTP/1.1 goes on unless told to close, HTTP/1.0 only if told to go on."""
    fields = [] if connection is None else [b"Connection: " + connection]
    assert _read(_with_fields(*fields, line=b"GET / HTTP/%b\r\n" % version)).keep_alive is keep_alive


@pytest.mark.parametrize(
    "value",
    [
        b"host",
        b"Content-Length",
        b"transfer-encoding",
        b"close, HOST",
        b"expect",
        b'"close"',
        b"keep-alive; timeout=5",
        b"a b",
    ],
)
def test_connection_must_not_name_what_frames_the_message(value: bytes) -> None:
    """A client cannot have Host or the framing removed on the way, nor name what is no field."""
    assert _refusal(_with_fields(b"Connection: " + value)).reason is Reason.CONNECTION


def test_expectations() -> None:
    """100-continue is understood where there is a body to wait for; nothing else is."""
    expect = b"Expect: 100-Continue"
    assert _read(_with_fields(expect, b"Content-Length: 5")).expect_continue
    assert _read(_with_fields(expect, b"Transfer-Encoding: chunked")).expect_continue
    assert not _read(_with_fields(expect)).expect_continue
    assert not _read(_with_fields(b"Expect: x", b"Content-Length: 5", line=b"POST / HTTP/1.0\r\n")).expect_continue
    for bad in ([b"Expect: x 100-continue"], [b"Expect:"], [b"Expect: 200-ok"], [expect, expect]):
        assert _refusal(_with_fields(*bad)).status == 417


@pytest.mark.parametrize(
    ("fields", "upgrade"),
    [
        ([b"Connection: Upgrade", b"Upgrade: websocket"], b"websocket"),
        ([b"Connection: keep-alive, upgrade", b"Upgrade: WebSocket, x/1.0"], b"WebSocket, x/1.0"),
        ([b"Connection: upgrade", b"Upgrade: TLS/1.0, HTTP/1.1", b"Content-Length: 5"], b""),
        ([b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 0"], b"websocket"),
        ([b"Connection: upgrade"], b""),
        ([b"Upgrade: websocket"], b""),
        ([b"Connection: notupgrade", b"Upgrade: websocket"], b""),
        ([b"Upgrade: websocket", b"Content-Length: 5"], b""),
        ([b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAA"], b""),
        ([b"Connection: upgrade", b"Upgrade: H2C, websocket"], b"websocket"),
        ([b"Connection: upgrade", b"Upgrade: HTTP/2.0", b"Content-Length: 5"], b""),
    ],
)
def test_upgrade(fields: list[bytes], upgrade: bytes) -> None:
    """A switch of protocols is asked for in two fields, and never to HTTP/2."""
    assert _read(_with_fields(*fields)).upgrade == upgrade


@pytest.mark.parametrize(
    "fields",
    [
        [b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 5"],
        [b"Connection: upgrade", b"Upgrade: websocket", b"Transfer-Encoding: chunked"],
        [b"Connection: upgrade", b"Upgrade: web socket"],
        [b"Connection: upgrade", b"Upgrade: a/b/c"],
        [b"Connection: upgrade", b"Upgrade: /1"],
    ],
)
def test_upgrade_with_a_body_or_without_a_name_is_refused(fields: list[bytes]) -> None:
    """Bytes after the head would be body to one server and the other protocol to the next."""
    assert _refusal(_with_fields(*fields)).reason is Reason.UPGRADE


@pytest.mark.parametrize("versions", [[b"8"], [b"13, 8"], [b"13", b"13"], [b""]])
def test_other_websocket_versions_are_refused(versions: list[bytes]) -> None:
    """Nobody speaks any version of WebSocket but 13, and the client is told which (RFC 6455 4.4)."""
    fields = [b"Sec-WebSocket-Version: " + version for version in versions]
    refusal = _refusal(_with_fields(b"Connection: upgrade", b"Upgrade: WebSocket", *fields))
    assert (refusal.reason, refusal.status) == (Reason.WEBSOCKET_VERSION, 426)


def test_websocket_version_matters_to_websocket_alone() -> None:
    """Version 13 passes, and in a request that does not ask for WebSocket the field means nothing."""
    good = _with_fields(b"Connection: upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")
    assert _read(good).upgrade == b"websocket"
    assert _read(_with_fields(b"Upgrade: websocket", b"Sec-WebSocket-Version: 8")).upgrade == b""


@pytest.mark.parametrize("second", [b"Content-Type: a/b", b"content-type: text/html"])
def test_several_content_types_are_refused(second: bytes) -> None:
    """What guards an application must not see another type than the application (RFC 9110 8.3)."""
    refusal = _refusal(_with_fields(b"Content-Type: a/b", b"Accept: */*", second, b"Content-Length: 5"))
    assert refusal.reason is Reason.CONTENT_TYPE


@pytest.mark.parametrize("name", [b"Content_Length", b"content_length", b"Transfer_Encoding"])
def test_framing_in_disguise_is_refused(name: bytes) -> None:
    """A field that becomes Content-Length behind CGI variables is not just dropped: somebody is up to something."""
    assert _refusal(_with_fields(name + b": 5")).reason is Reason.FIELD


def test_upgrade_in_an_old_version_is_ignored() -> None:
    """HTTP/1.0 cannot switch."""
    head = _with_fields(b"Connection: upgrade", b"Upgrade: websocket", line=b"GET / HTTP/1.0\r\n")
    assert _read(head).upgrade == b""


def test_loops_end() -> None:
    """A request that came through a proxy of this name too often is refused; others' names do not count."""
    assert _read(_with_fields(b"Via: 1.1 bluegreen", b"Via: 1.1 other, 1.0 bluegreen (x)")).fields is not None
    assert _refusal(_with_fields(b"Via: " + b", ".join([b"1.1 bluegreen"] * 9))).status == 508


@given(st.binary(max_size=200) | mutations(BROWSER) | st.binary(max_size=60).map(lambda data: data + b"\r\n\r\n"))
def test_garbage_is_read_or_refused(head: bytes) -> None:
    """Whatever comes in, out comes a request or a RequestError, never anything else."""
    try:
        request = _read(head)
    except RequestError:
        return
    assert request.raw == head


@given(request_heads)
def test_almost_right_is_read_or_refused(head: bytes) -> None:
    """The same for heads of plausible parts."""
    try:
        request = _read(head)
    except RequestError:
        return
    assert request.length >= CHUNKED
    assert request.target[:1] in (b"/", b"*")
