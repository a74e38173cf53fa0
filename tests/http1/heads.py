"""Heads that are almost right: what the property tests of this folder feed on."""

from __future__ import annotations

import re

from hypothesis import strategies as st

BROWSER = (
    b"GET /assets/app.js?v=12&lang=de HTTP/1.1\r\n"
    b"Host: www.Example.com:8080\r\n"
    b"Connection: keep-alive\r\n"
    b'sec-ch-ua: "Chromium";v="128", "Not;A=Brand";v="24"\r\n'
    b"Upgrade-Insecure-Requests: 1\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"Accept: text/html,*/*;q=0.8\r\n"
    b"Referer: https://www.example.com/products?page=2\r\n"
    b"Accept-Encoding: gzip, deflate, br\r\n"
    b"Cookie: session=5f2b1c; theme=dark; _ga=GA1.1.12\r\n\r\n"
)

ANSWER = (
    b"HTTP/1.1 200 OK\r\n"
    b"Server: nginx\r\n"
    b"Content-Type: application/json\r\n"
    b"Content-Length: 1532\r\n"
    b"Connection: keep-alive\r\n"
    b"Keep-Alive: timeout=5\r\n"
    b'ETag: "5f2b-5fc"\r\n'
    b"Set_Cookie_2: caf\xe9\r\n\r\n"
)

_NAMES = (
    b"Accept Cache-Control Connection Content-Encoding Content-Length Content-Location Content-Type Content_Length "
    b"Cookie Expect Expires Forwarded From HTTP2-Settings Host Hostess If-Match Keep-Alive Proxy Proxy-Authorization "
    b"Proxy-Connection Set-Cookie TE Test Traceparent Tracestate Trailer "
    b"Transfer-Encoding Upgrade Upgrade-Insecure-Requests Vary Via "
    b"X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Frame-Options X-Real-IP X-Request-ID X_Under X!#$%&'*+.^`|~9"
).split()

_GOOD_VALUES = (
    b"/0/5/05/100-continue/chunked/Chunked/close/keep-alive/Keep-Alive/keep-alive, close/upgrade"
    b"/Upgrade, x-frame-options/cookie/websocket/h2c/a.example/A.Example:80/[::1]:80/1.1 bluegreen"
    b"/192.0.2.1/caf\xe9/\x80\xa0/a\tb/abc.DEF-1_2"
    b"/timeout=5/999999999999999999"
).split(b"/")
TRACEPARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_GOOD_VALUES += [TRACEPARENT, TRACEPARENT[:-2] + b"ff", b"cc" + TRACEPARENT[2:] + b"-more", b"k=v,l=w"]
_GOOD_VALUES += [b"text/event-stream", b"text/event-stream ; charset=utf-8", b"text/event-streams"]

_BAD_VALUES = (
    b"5, 5/+5/9999999999999999999/gzip/gzip, chunked/host/a.example:70000/a,b/a\x00b/a\rb/a\nb/a\r\n b/\x7f"
).split(b"/")


def any_case(text: bytes) -> st.SearchStrategy[bytes]:
    """The text as it stands (most often), in lower case or in upper case."""
    return st.sampled_from([text, text, text, text.lower(), text.upper()])


def _mostly(good: list[bytes], bad: list[bytes]) -> st.SearchStrategy[bytes]:
    """One of the good ones, and once in ten times one of the others."""
    return st.integers(0, 9).flatmap(lambda dice: st.sampled_from(bad if dice == 9 else good))


_blanks = st.sampled_from([b" ", b" ", b" ", b"", b"\t", b" \t "])
_field = st.builds(
    lambda name, before, value, after: name + b":" + before + value + after,
    st.sampled_from(_NAMES).flatmap(any_case),
    _blanks,
    _mostly(_GOOD_VALUES, _BAD_VALUES) | st.from_regex(rb"[ -~]{0,12}", fullmatch=True),
    st.sampled_from([b"", b"", b"", b" ", b"\t"]),
)
_likely = st.sampled_from(
    [
        b"Content-Length: 5",
        b"content-length: 12",
        b"Connection: keep-alive",
        b"connection: Close",
        b"Connection: upgrade",
        b"Upgrade: websocket",
        b"Keep-Alive: timeout=5",
        b"Transfer-Encoding: chunked",
        b"Content-Type: text/html",
        b"X-Request-Id: abc",
        b"Accept: */*",
        b"traceparent: " + TRACEPARENT,
        b"traceparent: " + TRACEPARENT,
        b"tracestate: k=v",
    ]
)
_fields = st.lists(_likely | _likely | _field, max_size=6)

_request_lines = st.builds(
    lambda method, target, version: b"%b %b %b" % (method, target, version),
    _mostly([b"GET", b"GET", b"POST", b"HEAD", b"OPTIONS", b"PROPFIND", b"M-SEARCH"], [b"TRACE", b"get", b"FOO"]),
    _mostly(
        [b"/", b"/a/b.c?d=e", b"/?", b"//x;y%2f"], [b"*", b"http://a.example/x", b"http://a.example", b"/#", b"/\xe9"]
    ),
    _mostly([b"HTTP/1.1"], [b"HTTP/1.0", b"HTTP/1.0", b"HTTP/2.0", b""]),
)
_status_lines = st.builds(
    lambda version, status, reason: b"%b %b%b" % (version, status, reason),
    _mostly([b"HTTP/1.1"], [b"HTTP/1.0", b"HTTP/1.0", b"HTTP/2.0"]),
    _mostly([b"200", b"404", b"204", b"304", b"100", b"103", b"101", b"599"], [b"600", b"099"]),
    _mostly([b" OK", b" Na\xefve", b" ", b""], [b" \x00", b" a\rb", b" a\nb"]),
)


def _head(first: bytes, fields: list[bytes]) -> bytes:
    return b"\r\n".join([first, *fields, b"", b""])


request_heads = st.builds(
    lambda first, host, fields: _head(first, host + fields),
    _request_lines,
    st.sampled_from([[b"Host: a.example"], [b"Host: a.example"], [b"host: A.example:80"], []]),
    _fields,
)
"""Request heads of ordinary and unusual parts, in every mixture; about half of them are good."""

response_heads = st.builds(_head, _status_lines, _fields)
"""Response heads of the same kind."""


@st.composite
def mutations(draw: st.DrawFn, sample: bytes) -> bytes:
    """The sample with a few bytes replaced, put in or taken out; its last four stay."""
    body = bytearray(sample[:-4])
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(body)))
        length = draw(st.integers(0, 2))
        body[start : start + length] = draw(
            st.sampled_from([b"", b" ", b"\t", b":", b",", b"\r", b"\n", b"\r\n", b"\0", b"_", b"#", b"\xa0", b"a"])
            | st.binary(max_size=3)
        )
    return bytes(body) + sample[-4:]


_STRICT = re.compile(
    rb"(?:[A-Z-]+ [!-\"$-~]+ HTTP/1\.1|HTTP/1\.1 [1-5][0-9][0-9] [\t -~\x80-\xff]*)\r\n"
    rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[ \t]*(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?[ \t]*\r\n)*\r\n"
)


def strict_fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """The fields (lower-case name, bare value) of a head that this proxy made, which has to be in the grammar."""
    assert _STRICT.fullmatch(head), head
    lines = head.split(b"\r\n")[1:-2]
    return [(name.lower(), value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]


def now() -> bytes:
    """A value of Date, always the same."""
    return b"Mon, 23 Nov 2026 12:33:00 GMT"
