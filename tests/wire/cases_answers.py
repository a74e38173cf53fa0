"""How upstreams' answers are framed and what their heads hold: rows 53, 54 and 62 of the checklist."""

from __future__ import annotations

from tests.wire.answers import GOOD, OK, answer, bad, changed, chunked, cut, good
from tests.wire.cases import (
    CHUNKED,
    HELLO,
    LENGTH_5,
    Case,
    Kind,
    Seen,
    request,
)

FRAMING = [
    *bad(
        53,
        {
            "both": answer(LENGTH_5, CHUNKED, body=HELLO),
            "both-coding-first": answer(CHUNKED, LENGTH_5, body=HELLO),
            "two-lengths": answer(LENGTH_5, LENGTH_5, body=b"hello"),
            "two-different-lengths": answer(LENGTH_5, b"Content-Length: 6", body=b"hello!"),
            "length-list": answer(b"Content-Length: 5, 5", body=b"hello"),
            "length-plus": answer(b"Content-Length: +5", body=b"hello"),
            "length-minus": answer(b"Content-Length: -5", body=b"hello"),
            "length-hexadecimal": answer(b"Content-Length: 0x5", body=b"hello"),
            "length-empty": answer(b"Content-Length:", body=b"hello"),
            "length-above-2-63": answer(b"Content-Length: 9223372036854775808", body=b"hello"),
            "length-space-before-colon": answer(b"Content-Length : 5", body=b"hello"),
            "coding-gzip": answer(b"Transfer-Encoding: gzip", body=b"hello"),
            "coding-gzip-chunked": answer(b"Transfer-Encoding: gzip, chunked", body=HELLO),
            "coding-identity": answer(b"Transfer-Encoding: identity", body=b"hello"),
            "coding-xchunked": answer(b"Transfer-Encoding: xchunked", body=HELLO),
            "coding-twice": answer(CHUNKED, CHUNKED, body=HELLO),
            "coding-empty": answer(b"Transfer-Encoding:", body=HELLO),
            "coding-vertical-tab": answer(b"Transfer-Encoding: \x0bchunked", body=HELLO),
            "coding-in-http-1.0": answer(CHUNKED, body=HELLO, first=b"HTTP/1.0 200 OK"),
            "connection-names-length": answer(LENGTH_5, b"Connection: content-length", body=b"hello"),
        },
    ),
    *cut(
        53,
        {
            "chunk-size-letter": chunked(b"x\r\nhello\r\n0\r\n\r\n"),
            "chunk-size-space": chunked(b"5 \r\nhello\r\n0\r\n\r\n"),
            "chunk-size-minus": chunked(b"-5\r\nhello\r\n0\r\n\r\n"),
            "chunk-size-17-digits": chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
            "chunk-line-lf": chunked(b"5\nhello\r\n0\r\n\r\n"),
            "chunk-end-lf": chunked(b"5\r\nhello\n0\r\n\r\n"),
            "chunk-longer": chunked(b"5\r\nhello!\r\n0\r\n\r\n"),
            "chunk-shorter": chunked(b"5\r\nhell\r\n0\r\n\r\n"),
            "second-chunk": chunked(b"5\r\nhello\r\nx\r\nhello\r\n0\r\n\r\n"),
            "no-chunks": chunked(b"hello, not in chunks"),
            "extension-lf": chunked(b"5;a=\nb\r\nhello\r\n0\r\n\r\n"),
            "trailer-length": chunked(b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
            "trailer-lf": chunked(b"5\r\nhello\r\n0\r\nX: y\n\r\n"),
            "last-chunk-lf": chunked(b"5\r\nhello\r\n0\n\n"),
        },
    ),
    *good(53, {"length": GOOD, "chunked": chunked(HELLO), "nothing": answer(b"Content-Length: 0")}),
    changed(53, "length-zeros", answer(b"Content-Length: 0005", body=b"hello"), Seen(has=(LENGTH_5,), body=b"hello")),
    changed(
        53,
        "extensions-and-trailers",
        chunked(b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"),
        Seen(lacks=(b"x",), body=b"hello"),
    ),
]

HEADS = [
    *bad(
        54,
        {
            "no-http": b"hello\r\n\r\n",
            "ssh": b"SSH-2.0-x\r\n\r\n",
            "icy": answer(LENGTH_5, body=b"hello", first=b"ICY 200 OK"),
            "http-2": answer(LENGTH_5, body=b"hello", first=b"HTTP/2.0 200 OK"),
            "http-0.9": answer(LENGTH_5, body=b"hello", first=b"HTTP/0.9 200 OK"),
            "http-1.2": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.2 200 OK"),
            "http-1.10": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.10 200 OK"),
            "lower-case": answer(LENGTH_5, body=b"hello", first=b"http/1.1 200 OK"),
            "status-99": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 99 OK"),
            "status-099": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 099 OK"),
            "status-600": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 600 OK"),
            "status-999": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 999 OK"),
            "status-1000": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 1000 OK"),
            "status-letters": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 2OO OK"),
            "status-plus": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 +20 OK"),
            "status-missing": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1"),
            "two-spaces": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1  200 OK"),
            "tab": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1\t200 OK"),
            "no-space-before-reason": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 200OK"),
            "nul-in-reason": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 200 O\x00K"),
            "escape-in-reason": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 200 \x1b[2J"),
            "cr-in-reason": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 200 O\rK"),
            "leading-empty-line": b"\r\n" + GOOD,
            "leading-space": b" " + GOOD,
            "lf-everywhere": GOOD.replace(b"\r\n", b"\n"),
            "lf-behind-status": GOOD.replace(b"OK\r\n", b"OK\n"),
            "lf-behind-field": answer(b"X: y\nZ: w", LENGTH_5, body=b"hello"),
            "cr-in-value": answer(b"X: y\rZ: w", LENGTH_5, body=b"hello"),
            "cr-at-end": answer(b"X: y\r", LENGTH_5, body=b"hello"),
            "nul-in-value": answer(b"X: \x00", LENGTH_5, body=b"hello"),
            "bell-in-value": answer(b"X: \x07", LENGTH_5, body=b"hello"),
            "del-in-value": answer(b"X: \x7f", LENGTH_5, body=b"hello"),
            "nul-in-name": answer(b"X\x00: y", LENGTH_5, body=b"hello"),
            "folded": answer(b"X: y\r\n z", LENGTH_5, body=b"hello"),
            "folded-first": answer(b" X: y", LENGTH_5, body=b"hello"),
            "space-before-colon": answer(b"X : y", LENGTH_5, body=b"hello"),
            "no-colon": answer(b"X", LENGTH_5, body=b"hello"),
            "no-name": answer(b": y", LENGTH_5, body=b"hello"),
            "not-a-token": answer(b"X(y): z", LENGTH_5, body=b"hello"),
            "not-ascii-in-name": answer(b"X\xe4: y", LENGTH_5, body=b"hello"),
            "field-above-16-kib": answer(b"X: " + b"y" * 17_000, LENGTH_5, body=b"hello"),
            "head-above-64-kib": answer(*[b"X: " + b"y" * 9000] * 8, LENGTH_5, body=b"hello"),
            "head-without-end": OK + b"\r\n" + b"X: y\r\n" * 11_000,
        },
    ),
    *good(
        54,
        {
            "every-byte-above-0x7f": answer(b"X: " + bytes(range(0x80, 0x100)), LENGTH_5, body=b"hello"),
            "no-reason": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 200 "),
            "odd-reason": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 200 \xfcber\tall"),
            "underscore": answer(b"X_y: z", LENGTH_5, body=b"hello"),
            "cookies": answer(b"Set-Cookie: a=1", b"Set-Cookie: b=2", LENGTH_5, body=b"hello"),
            "server-and-date": answer(
                b"Server: theirs", b"Date: Thu, 01 Jan 1970 00:00:00 GMT", LENGTH_5, body=b"hello"
            ),
        },
    ),
    *[
        case
        for status in (201, 206, 299, 301, 400, 404, 418, 451, 500, 503, 599)
        for case in good(
            54, {f"status-{status}": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 %d x" % status)}, status=status
        )
    ],
    changed(
        54,
        "no-space-behind-status",
        answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 200"),
        Seen(line=b"HTTP/1.1 200 ", body=b"hello"),
    ),
    changed(
        54,
        "connection-names-a-field",
        answer(b"Connection: X-A", b"X-A: b", LENGTH_5, body=b"hello"),
        Seen(lacks=(b"x-a", b"connection")),
    ),
    changed(
        54,
        "hop-by-hop",
        answer(
            b"Keep-Alive: timeout=5",
            b"Proxy-Authenticate: x",
            b"Proxy-Connection: close",
            b"Upgrade: h2c",
            b"Trailer: X",
            LENGTH_5,
            body=b"hello",
        ),
        Seen(lacks=(b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"upgrade", b"trailer"), body=b"hello"),
    ),
]

INJECTED = [
    *bad(
        62,
        {
            "location-cr": answer(
                b"Location: /a\rSet-Cookie: b=c", LENGTH_5, body=b"hello", first=b"HTTP/1.1 302 Found"
            ),
            "location-lf": answer(
                b"Location: /a\nSet-Cookie: b=c", LENGTH_5, body=b"hello", first=b"HTTP/1.1 302 Found"
            ),
            "location-nul": answer(b"Location: /a\x00", LENGTH_5, body=b"hello", first=b"HTTP/1.1 302 Found"),
            "cookie-lf": answer(b"Set-Cookie: a=b\n", LENGTH_5, body=b"hello"),
            "request-id-lf": answer(b"X-Request-Id: a\nX: y", LENGTH_5, body=b"hello"),
        },
    ),
    Case(
        62,
        "error-text-is-ours",
        (request(line=b"GET /<script>alert(1)</script>\\ HTTP/1.1"),),
        Kind.REFUSED,
        (400,),
        stays=False,
        seen=(),
        told=Seen(has=(b"Content-Type: text/plain; charset=utf-8",)),
        never=b"script",
    ),
    Case(
        62,
        "error-text-without-host",
        (request(host=b'Host: a"><script>\r\n'),),
        Kind.REFUSED,
        (400,),
        stays=False,
        seen=(),
        never=b"script",
    ),
    Case(
        62,
        "target-in-log",
        (request(line=b'GET /","status":"200"}{" HTTP/1.1'),),
        Kind.PASSED,
        (200,),
        stays=True,
        seen=(Seen(),),
        logged={"target": '/","status":"200"}{"', "status": 200},
    ),
    Case(
        62,
        "escapes-in-log",
        (request(line=b"GET /%0d%0a%1b[2J HTTP/1.1"),),
        Kind.PASSED,
        (200,),
        stays=True,
        seen=(Seen(),),
        logged={"target": "/%0d%0a%1b[2J"},
    ),
    Case(
        62,
        "refused-in-log",
        (b'GET /\x1b"\nx HTTP/1.1\r\nHost: a\r\n\r\n',),
        Kind.REFUSED,
        (400,),
        stays=False,
        seen=(),
        logged={"status": 400, "target": "-", "method": "-"},
    ),
]
CASES = [*FRAMING, *HEADS, *INJECTED]
