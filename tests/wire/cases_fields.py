"""Lines and fields of a request: rows 21 to 27 and 37 of the checklist."""

from __future__ import annotations

from tests.wire.cases import (
    GET,
    HELLO,
    SMUGGLED,
    Case,
    Kind,
    Seen,
    host,
    line,
    normalised,
    passed,
    post,
    refused,
    request,
)

LINE_ENDS = [
    *refused(
        21,
        {
            "everywhere": b"GET / HTTP/1.1\nHost: a\n\n",
            "request-line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
            "first-field": b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
            "last-field": b"GET / HTTP/1.1\r\nHost: a\r\nX: y\n\r\n",
            "end-of-head": b"GET / HTTP/1.1\r\nHost: a\r\n\n" + SMUGGLED,
            "lf-crlf": b"GET / HTTP/1.1\r\nHost: a\n\r\n" + SMUGGLED,
            "in-target": b"GET /\n HTTP/1.1\r\nHost: a\r\n\r\n",
            "before-request": b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "hides-a-head": request(b"X: y\n\nGET /smuggled HTTP/1.1"),
        },
    ),
    *refused(
        22,
        {
            "in-value": request(b"X: y\rz"),
            "in-name": request(b"X\ry: z"),
            "in-target": line(b"GET /\r HTTP/1.1"),
            "before-version": line(b"GET / \rHTTP/1.1"),
            "before-field": request(b"\rX: y"),
            "end-of-value": request(b"X: y\r"),
            "for-a-line-end": b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
            "everywhere": b"GET / HTTP/1.1\rHost: a\r\r\r\n\r\n",
            "in-empty-line": b"GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n",
            "crlf-cr-letter": b"GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n",
            "before-request": b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "in-host": host(b"Host: a\rb"),
        },
    ),
    *normalised(
        37,
        {
            "one-empty-line": (b"\r\n" + request(), Seen(line=GET, has=(b"Host: a",))),
            "two-empty-lines": (b"\r\n\r\n" + request(), Seen(line=GET, has=(b"Host: a",))),
        },
    ),
    Case(
        37,
        "between-requests",
        (post(b"Content-Length: 5", body=b"hello") + b"\r\n" + request(line=b"GET /2 HTTP/1.1"),),
        Kind.PASSED,
        (200, 200),
        stays=True,
        seen=(Seen(body=b"hello"), Seen(line=b"GET /2 HTTP/1.1")),
    ),
    *refused(
        37,
        {
            "three-empty-lines": b"\r\n\r\n\r\n" + request(),
            "space": b" " + request(),
            "tab": b"\t" + request(),
            "nul": b"\x00" + request(),
            "byte-order-mark": b"\xef\xbb\xbf" + request(),
            "space-behind-empty-line": b"\r\n " + request(),
        },
    ),
]

CONTROLS = refused(
    23,
    {
        **{
            f"{name}-in-{place}": data
            for name, byte in (
                ("nul", b"\x00"),
                ("bell", b"\x07"),
                ("vertical-tab", b"\x0b"),
                ("escape", b"\x1b"),
                ("del", b"\x7f"),
            )
            for place, data in (
                ("value", request(b"X: a" + byte + b"b")),
                ("name", request(b"X" + byte + b": y")),
                ("target", line(b"GET /" + byte + b" HTTP/1.1")),
            )
        },
        "nul-in-method": line(b"GE\x00T / HTTP/1.1"),
        "nul-in-version": line(b"GET / HTTP/1.\x001"),
        "nul-in-host": host(b"Host: a\x00b"),
        "nul-ends-value": request(b"X: y\x00"),
        "nul-alone-in-value": request(b"X: \x00"),
        "nul-line": request(b"\x00"),
        "form-feed-in-value": request(b"X: a\x0cb"),
        "backspace-in-value": request(b"X: a\x08b"),
        "tab-in-target": line(b"GET /\t HTTP/1.1"),
        "tab-in-name": request(b"X\ty: z"),
    },
)

FIELDS = [
    *refused(
        24,
        {
            "space": request(b"X: y\r\n z"),
            "tab": request(b"X: y\r\n\tz"),
            "blanks-alone": request(b"X: y\r\n  "),
            "first-line-space": host(b" Host: a"),
            "first-line-tab": host(b"\tHost: a"),
            "host": host(b"Host:\r\n a"),
            "hides-framing": post(b"X: y\r\n Transfer-Encoding: chunked", body=HELLO),
            "last-line": request(b" X: y"),
            "space-in-empty-line": b"GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n",
        },
    ),
    *refused(
        25,
        {
            "space-before-colon": request(b"X : y"),
            "tab-before-colon": request(b"X\t: y"),
            "host-space-before-colon": host(b"Host : a"),
            "head-request": request(b"X : y", line=b"HEAD / HTTP/1.1"),
            "no-colon": request(b"X"),
            "no-colon-two-words": request(b"X y"),
            "no-name": request(b": y"),
            "colon-alone": request(b":"),
            "two-words": request(b"X y: z"),
            "parentheses": request(b"X(y): z"),
            "slash": request(b"X/y: z"),
            "at": request(b"X@y: z"),
            "brackets": request(b"X[]: y"),
            "quotes": request(b'"X": y'),
            "comma": request(b"X,Y: z"),
            "semicolon": request(b"X;: y"),
            "equals": request(b"X=: y"),
            "backslash": request(b"X\\: y"),
            "braces": request(b"{X}: y"),
            "0x80": request(b"X\x80: y"),
            "0xff": request(b"\xff: y"),
            "utf-8": request("Ünder: y".encode()),
            "content-type-twice": request(b"Content-Type: a/b", b"Content-Type: a/b"),
            "request-line-again": request(b"GET / HTTP/1.1"),
        },
    ),
    *passed(
        26,
        {
            "every-byte-above-0x7f": request(b"X: " + bytes(range(0x80, 0x100))),
            "nbsp-at-both-ends": request(b"X: \xa0y\xa0"),
            "next-line-at-both-ends": request(b"X: \x85y\x85"),
            "utf-8": request("X: żółć".encode()),
            "no-utf-8": request(b"X: \xc3("),
            "alone": request(b"X: \xff"),
            "cookie": request(b"Cookie: a=\xe9; b=\xff"),
        },
    ),
    *normalised(
        27,
        {
            "forwarded-for": (
                request(b"X_Forwarded_For: 1.2.3.4"),
                Seen(lacks=(b"x_forwarded_for",), has=(b"X-Forwarded-For: 127.0.0.1",)),
            ),
            "any": (request(b"Remote_User: root", b"X: y"), Seen(lacks=(b"remote_user",), has=(b"X: y",))),
            "leading": (request(b"_: a"), Seen(lacks=(b"_",))),
            "host": (request(b"_Host: b"), Seen(lacks=(b"_host",), has=(b"Host: a",))),
        },
    ),
    *refused(
        27,
        {
            "content-length": post(b"Content_Length: 5", body=b"hello"),
            "transfer-encoding": post(b"transfer_encoding: chunked", body=HELLO),
        },
    ),
    *passed(
        25,
        {
            "every-token-byte": request(b"!#$%&'*+-.^`|~09AZaz: y"),
            "empty-value": request(b"X:"),
            "blank-value": request(b"X:  \t"),
            "no-blank": request(b"X:y"),
            "tab-in-value": request(b"X: a\tb"),
            "colon-in-value": request(b"X: a:b::c"),
            "markup-in-value": request(b'X: <a href="b">{}|\\^`\'c</a>'),
            "order-and-case": request(b"B: 1", b"a: 2", b"B: 3", b"A: 4"),
            "many-cookies": request(*(b"Cookie: c%d=%d" % (i, i) for i in range(20))),
            "number-for-a-name": request(b"1: 2"),
        },
    ),
]
CASES = [*LINE_ENDS, *CONTROLS, *FIELDS]
