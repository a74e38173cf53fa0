"""What says where a request's body ends: rows 1 to 7 of the checklist."""

from __future__ import annotations

from tests.wire.cases import (
    CHUNKED,
    HELLO,
    LENGTH_5,
    SMUGGLED,
    Case,
    Kind,
    Seen,
    normalised,
    passed,
    post,
    refused,
    request,
)
from tests.wire.conversation import Act

CODING_REFUSED = {
    "x-before": b"xchunked",
    "x-behind": b"chunkedx",
    "two-words": b"chunked chunked",
    "space-inside": b"chun ked",
    "quoted": b'"chunked"',
    "parameter": b"chunked;q=1",
    "chunked-then-gzip": b"chunked, gzip",
    "chunked-twice-in-a-list": b"chunked, chunked",
    "comma-before": b",chunked",
    "comma-behind": b"chunked,",
    "commas-alone": b",,",
    "empty": b"",
    "identity": b"identity",
    "identity-then-chunked": b"identity, chunked",
    "cow": b"cow",
    "cow-then-chunked": b"cow, chunked",
    "gzip-alone": b"gzip",
    "vertical-tab-before": b"\x0bchunked",
    "form-feed-behind": b"chunked\x0c",
    "nul-behind": b"chunked\x00",
    "nbsp-before": b"\xa0chunked",
    "nbsp-behind": b"chunked\xa0",
    "next-line-behind": b"chunked\x85",
    "utf-8-nbsp-before": b"\xc2\xa0chunked",
    "long-s": b"\xc5\xbfchunked",
    "kelvin-sign": b"chun\xe2\x84\xaaed",
    "bare-cr-before": b"\rchunked",
    "bare-lf-before": b"\nchunked",
    "bare-lf-behind": b"chunked\n",
    "folded": b"\r\n chunked",
    "folded-behind": b"chunked\r\n ",
}

LENGTHS_REFUSED = {
    "empty": b"",
    "blank": b" ",
    "plus": b"+5",
    "minus": b"-5",
    "minus-zero": b"-0",
    "hexadecimal": b"0x5",
    "underscore": b"5_0",
    "fraction": b"5.0",
    "exponent": b"5e0",
    "quoted": b'"5"',
    "parameter": b"5;a",
    "two-numbers": b"5 5",
    "letters": b"five",
    "above-2-63": b"9223372036854775808",
    "above-2-64-by-5": b"18446744073709551621",
    "21-digits": b"0" * 20 + b"5",
    "vertical-tab": b"\x0b5",
    "nbsp": b"\xa05",
    "next-line-behind": b"5\x85",
    "fullwidth-five": b"\xef\xbc\x95",
    "nul-behind": b"5\x00",
    "bare-cr-behind": b"5\r",
    "folded": b"\r\n 5",
}

BOTH = refused(
    1,
    {
        "length-first": post(b"Content-Length: 6", CHUNKED, body=b"0\r\n\r\nG"),
        "coding-first": post(CHUNKED, b"Content-Length: 6", body=b"0\r\n\r\nG"),
        "length-zero": post(b"Content-Length: 0", CHUNKED, body=b"0\r\n\r\n" + SMUGGLED),
        "length-fits": post(b"Content-Length: 15", CHUNKED, body=HELLO),
        "odd-case": post(b"cOnTeNt-LeNgTh: 6", b"tRaNsFeR-eNcOdInG: ChUnKeD", body=b"0\r\n\r\nG"),
        "length-empty": post(b"Content-Length:", CHUNKED, body=HELLO),
        "coding-empty": post(LENGTH_5, b"Transfer-Encoding:", body=b"hello"),
        "identity": post(LENGTH_5, b"Transfer-Encoding: identity", body=b"hello"),
        "two-codings": post(LENGTH_5, CHUNKED, CHUNKED, body=HELLO),
        "unknown-coding": post(LENGTH_5, b"Transfer-Encoding: x", body=b"hello"),
        "get": request(b"Content-Length: 6", CHUNKED, body=b"0\r\n\r\nG"),
        "head": request(b"Content-Length: 6", CHUNKED, line=b"HEAD / HTTP/1.1", body=b"0\r\n\r\nG"),
        "options": request(b"Content-Length: 6", CHUNKED, line=b"OPTIONS / HTTP/1.1", body=b"0\r\n\r\nG"),
    },
)

LENGTHS = [
    *refused(
        2,
        {
            "equal": post(LENGTH_5, LENGTH_5, body=b"hello"),
            "different": post(LENGTH_5, b"Content-Length: 6", body=b"hello!"),
            "zero-and-more": post(b"Content-Length: 0", b"content-length: %d" % len(SMUGGLED), body=SMUGGLED),
            "three": post(LENGTH_5, LENGTH_5, LENGTH_5, body=b"hello"),
            "list-equal": post(b"Content-Length: 5, 5", body=b"hello"),
            "list-different": post(b"Content-Length: 5, 6", body=b"hello"),
            "list-with-nothing": post(b"Content-Length: 5,", body=b"hello"),
            "apart": post(LENGTH_5, b"X: y", b"CONTENT-LENGTH: 5", body=b"hello"),
        },
    ),
    *refused(3, {n: post(b"Content-Length: " + v, body=b"hello" + SMUGGLED) for n, v in LENGTHS_REFUSED.items()}),
    *refused(
        3,
        {
            "get": request(b"Content-Length: -1"),
            "nothing-behind-colon": post(b"Content-Length:", body=b"hello"),
            "name-in-capitals": post(b"CONTENT-LENGTH: +5", body=b"hello"),
        },
    ),
    *normalised(
        4,
        {
            "zeros": (post(b"Content-Length: 0005", body=b"hello"), Seen(has=(LENGTH_5,), body=b"hello")),
            "zero": (post(b"Content-Length: 000"), Seen(has=(b"Content-Length: 0",), body=b"")),
            "20-digits": (
                post(b"Content-Length: " + b"%020d" % 5, body=b"hello"),
                Seen(has=(LENGTH_5,), body=b"hello"),
            ),
            "blanks-around": (post(b"Content-Length: \t5 ", body=b"hello"), Seen(has=(LENGTH_5,), body=b"hello")),
            "eight": (
                post(b"Content-Length: 08", body=b"hi there"),
                Seen(has=(b"Content-Length: 8",), body=b"hi there"),
            ),
        },
    ),
    *passed(
        4,
        {
            "plain": post(LENGTH_5, body=b"hello"),
            "no-blank": post(b"content-length:5", body=b"hello"),
            "body-looks-like-a-request": post(b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED),
        },
    ),
]

CODINGS = [
    *refused(5, {n: post(b"Transfer-Encoding: " + v, body=HELLO) for n, v in CODING_REFUSED.items()}),
    *refused(
        5,
        {
            "repeated": post(CHUNKED, CHUNKED, body=HELLO),
            "chunked-and-identity": post(CHUNKED, b"Transfer-Encoding: identity", body=HELLO),
            "identity-and-chunked": post(b"Transfer-Encoding: identity", CHUNKED, body=HELLO),
            "chunked-and-empty": post(CHUNKED, b"Transfer-Encoding:", body=HELLO),
            "space-before-colon": post(b"Transfer-Encoding : chunked", body=HELLO),
            "tab-before-colon": post(b"Transfer-Encoding\t: chunked", body=HELLO),
            "space-before-name": post(b" Transfer-Encoding: chunked", body=HELLO),
            "nul-in-name": post(b"Transfer\x00-Encoding: chunked", body=HELLO),
            "cr-before-name": post(b"\rTransfer-Encoding: chunked", body=HELLO),
            "lf-hides-it": post(b"X: y\nTransfer-Encoding: chunked", body=HELLO),
            "cr-hides-it": post(b"X: y\rTransfer-Encoding: chunked", body=HELLO),
            "no-colon": post(b"Transfer-Encoding chunked", body=HELLO),
            "equals": post(b"Transfer-Encoding=chunked", body=HELLO),
            "get": request(b"Transfer-Encoding: identity", body=SMUGGLED),
        },
    ),
    *refused(
        5,
        {
            "gzip-then-chunked": post(b"Transfer-Encoding: gzip, chunked", body=HELLO),
            "deflate-and-chunked": post(b"Transfer-Encoding: deflate", CHUNKED, body=HELLO),
        },
        status=501,
    ),
    *normalised(
        5,
        {
            "any-case": (post(b"TRANSFER-encoding: cHuNkEd", body=HELLO), Seen(body=b"hello")),
            "tab-around": (post(b"Transfer-Encoding:\tchunked\t", body=HELLO), Seen(has=(CHUNKED,), body=b"hello")),
        },
    ),
    *passed(5, {"plain": post(CHUNKED, body=HELLO), "nothing-in-it": post(CHUNKED, body=b"0\r\n\r\n")}),
    *refused(
        6,
        {
            "chunked": post(CHUNKED, body=HELLO, line=b"POST / HTTP/1.0"),
            "keep-alive": post(CHUNKED, b"Connection: keep-alive", body=HELLO, line=b"POST / HTTP/1.0"),
            "with-length": post(CHUNKED, LENGTH_5, body=HELLO, line=b"POST / HTTP/1.0"),
            "identity": post(b"Transfer-Encoding: identity", body=b"", line=b"POST / HTTP/1.0"),
            "get": request(CHUNKED, line=b"GET / HTTP/1.0", body=HELLO),
        },
    ),
    Case(7, "post-without-length", (post(),), Kind.PASSED, (200,), stays=True, seen=(Seen(body=b""),)),
    Case(
        7,
        "bytes-behind",
        (post(body=b"a=1&b=2"), Act.END),
        Kind.PASSED,
        (200, 400),
        stays=False,
        seen=(Seen(body=b""),),
    ),
    Case(
        7,
        "request-behind",
        (post(body=request(line=b"GET /second HTTP/1.1")),),
        Kind.PASSED,
        (200, 200),
        stays=True,
        seen=(Seen(body=b""), Seen(line=b"GET /second HTTP/1.1")),
    ),
    Case(
        7,
        "http-1.0-until-close",
        (post(body=b"hello", line=b"POST / HTTP/1.0"), Act.END),
        Kind.NORMALISED,
        (200,),
        stays=False,
        seen=(Seen(line=b"POST / HTTP/1.1", body=b""),),
    ),
]
CASES = [*BOTH, *LENGTHS, *CODINGS]
