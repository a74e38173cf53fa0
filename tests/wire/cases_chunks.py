"""Chunks, their extensions and trailers: rows 8 to 13 of the checklist."""

from __future__ import annotations

from tests.wire.cases import (
    CHUNKED,
    SMUGGLED,
    Case,
    Kind,
    Seen,
    normalised,
    passed,
    post,
    refused,
)
from tests.wire.conversation import Act

CHUNK_SIZES_REFUSED = {
    "empty": b"",
    "plus": b"+5",
    "minus": b"-5",
    "0x": b"0x5",
    "underscore": b"0_5",
    "space-before": b" 5",
    "space-behind": b"5 ",
    "tab-before": b"\t5",
    "tab-behind": b"5\t",
    "space-inside": b"0 5",
    "no-digit": b"g",
    "digit-then-letter": b"5g",
    "fraction": b"5.0",
    "quoted": b'"5"',
    "comma": b"5,5",
    "17-digits": b"0" * 16 + b"5",
    "wraps-at-2-64": b"10000000000000005",
    "fullwidth-five": b"\xef\xbc\x95",
    "nul-behind": b"5\x00",
    "vertical-tab-behind": b"5\x0b",
}

FRAMES_REFUSED = {
    "lf-behind-size": b"5\nhello\r\n0\r\n\r\n",
    "cr-behind-size": b"5\rhello\r\n0\r\n\r\n",
    "two-crs-behind-size": b"5\r\r\nhello\r\n0\r\n\r\n",
    "lf-cr-behind-size": b"5\n\r\nhello\r\n0\r\n\r\n",
    "lf-behind-data": b"5\r\nhello\n0\r\n\r\n",
    "cr-behind-data": b"5\r\nhello\r0\r\n\r\n",
    "cr-x-behind-data": b"5\r\nhello\rX0\r\n\r\n",
    "two-bytes-behind-data": b"5\r\nhelloXX0\r\n\r\n",
    "nothing-behind-data": b"5\r\nhello0\r\n\r\n",
    "no-chunks": b"hello, not in chunks",
    "data-longer": b"5\r\nhello!\r\n0\r\n\r\n",
    "data-shorter": b"5\r\nhell\r\n0\r\n\r\n",
    "two-line-ends-behind-data": b"5\r\nhello\r\n\r\n0\r\n\r\n",
    "lf-everywhere": b"5\nhello\n0\n\n",
    "lf-behind-extension": b"5;a\nhello\r\n0\r\n\r\n",
}

EXTENSIONS_REFUSED = {
    "bare-semicolon": b"5;",
    "blank-before-name": b"5; a=b",
    "blank-before-semicolon": b"5 ;a=b",
    "blanks-around-equals": b"5;a = b",
    "no-name": b"5;=x",
    "no-value": b"5;a=",
    "not-a-token": b"5;a=b c",
    "bracket-in-name": b"5;a(=b",
    "nul": b"5;a=\x00",
    "nul-quoted": b'5;a="\x00"',
    "bell-quoted": b'5;a="\x07"',
    "crlf-quoted": b'5;a="\r\nhello\r\n0\r\n\r\n"',
    "lf-quoted": b'5;a="\n"',
    "cr-quoted": b'5;a="\r"',
    "escaped-lf-quoted": b'5;a="\\\n"',
    "quote-not-closed": b'5;a="b',
    "above-1-kib": b"5;a=" + b"x" * 1100,
    "above-1-kib-quoted": b'5;a="' + b"x" * 1100 + b'"',
}

TRAILERS_REFUSED = {
    "content-length": b"Content-Length: 5\r\n",
    "transfer-encoding": b"transfer-encoding: chunked\r\n",
    "host": b"HOST: b\r\n",
    "no-colon": b"X\r\n",
    "space-before-colon": b"X : y\r\n",
    "empty-name": b": y\r\n",
    "folded": b"X: y\r\n z\r\n",
    "nul": b"X: \x00\r\n",
    "33-of-them": b"X: y\r\n" * 33,
    "above-8-kib": b"".join(b"X%d: %b\r\n" % (i, b"y" * 1000) for i in range(9)),
}

TRAILER_ENDS_REFUSED = {
    "lf": b"0\r\n\n",
    "lf-lf": b"0\n\n",
    "lf-crlf": b"0\n\r\n",
    "letter": b"0\r\nX",
    "letter-crlf": b"0\r\nX\r\n\r\n",
    "cr-letter": b"0\r\n\rX",
    "cr-cr-lf": b"0\r\n\r\r\n",
    "lf-behind-field": b"0\r\nA: b\n\r\n",
    "cr-behind-field": b"0\r\nA: b\r\r\n",
    "request-at-once": b"0\r\n" + SMUGGLED.replace(b"Host: a\r\n", b""),
}


def chunks(size: bytes) -> bytes:
    """A request in chunks, the first of which has this line for its size."""
    return post(CHUNKED, body=size + b"\r\nhello\r\n0\r\n\r\n" + SMUGGLED)


CASES = [
    *refused(8, {n: chunks(size) for n, size in CHUNK_SIZES_REFUSED.items()}, unfinished=True),
    Case(
        8,
        "beyond-2-32",
        (chunks(b"100000005"), Act.END),
        Kind.CUT,
        (400,),
        stays=False,
        seen=(),
        unfinished=True,
    ),
    *refused(9, {n: post(CHUNKED, body=body + SMUGGLED) for n, body in FRAMES_REFUSED.items()}, unfinished=True),
    *refused(
        9,
        {"second-chunk": post(CHUNKED, body=b"5\r\nhello\r\n5\nhello\r\n0\r\n\r\n" + SMUGGLED)},
        unfinished=True,
    ),
    *normalised(
        10,
        {
            "size-with-zeros": (post(CHUNKED, body=b"0005\r\nhello\r\n000\r\n\r\n"), Seen(body=b"hello")),
            "name": (post(CHUNKED, body=b"5;a\r\nhello\r\n0\r\n\r\n"), Seen(body=b"hello")),
            "value": (post(CHUNKED, body=b"5;a=b\r\nhello\r\n0;c=d\r\n\r\n"), Seen(body=b"hello")),
            "quoted": (post(CHUNKED, body=b'5;a="b;c \\" \xff"\r\nhello\r\n0\r\n\r\n'), Seen(body=b"hello")),
            "several": (post(CHUNKED, body=b'5;a=b;c;d="e"\r\nhello\r\n0\r\n\r\n'), Seen(body=b"hello")),
        },
    ),
    *passed(
        10,
        {
            "capitals": post(CHUNKED, body=b"A\r\n0123456789\r\n0\r\n\r\n"),
            "content-looks-like-chunks": post(CHUNKED, body=b"5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
            "two": post(CHUNKED, body=b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
        },
    ),
    *refused(11, {n: chunks(size) for n, size in EXTENSIONS_REFUSED.items()}, unfinished=True),
    *refused(
        11,
        {
            "many-tiny-chunks": post(CHUNKED, body=(b"1;a=" + b"x" * 800 + b"\r\nx\r\n") * 24 + b"0\r\n\r\n"),
            "in-the-last-chunk": post(CHUNKED, body=b"5\r\nhello\r\n0;\r\n\r\n" + SMUGGLED),
        },
        unfinished=True,
    ),
    *normalised(
        12,
        {
            "one": (post(CHUNKED, body=b"5\r\nhello\r\n0\r\nX: y\r\n\r\n"), Seen(lacks=(b"x",), body=b"hello")),
            "announced": (
                post(CHUNKED, b"Trailer: X", body=b"5\r\nhello\r\n0\r\nX: y\r\n\r\n"),
                Seen(lacks=(b"x", b"trailer"), body=b"hello"),
            ),
            "32-of-them": (
                post(CHUNKED, body=b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 32 + b"\r\n"),
                Seen(body=b"hello"),
            ),
            "forged-identity": (
                post(CHUNKED, body=b"0\r\nX-Forwarded-For: 1.2.3.4\r\nAuthorization: x\r\nCookie: a=b\r\n\r\n"),
                Seen(has=(b"X-Forwarded-For: 127.0.0.1",), lacks=(b"authorization", b"cookie"), body=b""),
            ),
        },
    ),
    *refused(
        12,
        {n: post(CHUNKED, body=b"0\r\n" + fields + b"\r\n" + SMUGGLED) for n, fields in TRAILERS_REFUSED.items()},
        unfinished=True,
    ),
    *refused(
        13, {n: post(CHUNKED, body=b"5\r\nhello\r\n" + e) for n, e in TRAILER_ENDS_REFUSED.items()}, unfinished=True
    ),
]
