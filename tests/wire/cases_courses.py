"""How an upstream's answer goes: too much, too little, too early, bit by bit: rows 55 to 61 of the checklist."""

from __future__ import annotations

from dataclasses import replace

from tests.wire.answers import GET, GOOD, HEAD, OK, OLD, answer, bad, changed, chunked, cut, good
from tests.wire.cases import (
    CHUNKED,
    HELLO,
    LENGTH_5,
    SMUGGLED,
    Case,
    Kind,
    Seen,
    post,
    request,
)
from tests.wire.conversation import Act
from tests.wire.recorder import Play, Then

SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
"""An answer that nobody asked for."""

SURPLUS = [
    changed(55, "second-answer", GOOD + SECOND, Seen(body=b"hello"), fresh=True),
    changed(55, "second-answer-behind-chunks", chunked(HELLO) + SECOND, Seen(body=b"hello"), fresh=True),
    changed(55, "second-answer-behind-nothing", answer(b"Content-Length: 0") + SECOND, Seen(body=b""), fresh=True),
    changed(55, "bytes-behind", GOOD + b"!", Seen(body=b"hello"), fresh=True),
    changed(55, "line-end-behind", GOOD + b"\r\n", Seen(body=b"hello"), fresh=True),
    Case(55, "greeting", (GET,), Kind.REFUSED, (502,), stays=True, greeting=b"SSH-2.0-x\r\n", fresh=True),
    Case(
        55,
        "pipelined-requests",
        (GET + request(line=b"GET /2 HTTP/1.1"), Act.ANSWER, Act.ANSWER),
        Kind.NORMALISED,
        (200, 200),
        stays=True,
        seen=(Seen(), Seen(line=b"GET /2 HTTP/1.1")),
        plays=(Play(GOOD + SECOND),),
        told=Seen(body=b"hello"),
        fresh=True,
        at_once=True,
    ),
]
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified"
NO_CONTENT = b"HTTP/1.1 204 No Content"

BODILESS = [
    changed(56, "head-with-body", GOOD, Seen(has=(LENGTH_5,), body=b""), ask=HEAD, fresh=True),
    changed(56, "head-with-chunks", chunked(HELLO), Seen(body=b""), ask=HEAD, fresh=True),
    changed(
        56,
        "head-with-forged-answer",
        answer(b"Content-Length: %d" % len(SECOND), body=SECOND),
        Seen(body=b""),
        ask=HEAD,
        fresh=True,
    ),
    changed(
        56,
        "204-with-length-and-body",
        answer(LENGTH_5, body=b"hello", first=NO_CONTENT),
        Seen(lacks=(b"content-length",), body=b""),
        status=204,
        fresh=True,
    ),
    changed(56, "204-with-body", answer(body=SECOND, first=NO_CONTENT), Seen(body=b""), status=204, fresh=True),
    changed(
        56,
        "204-with-chunks",
        answer(CHUNKED, body=HELLO, first=NO_CONTENT),
        Seen(lacks=(b"transfer-encoding",), body=b""),
        status=204,
        fresh=True,
    ),
    changed(
        56,
        "204-with-length-0",
        answer(b"Content-Length: 0", first=NO_CONTENT),
        Seen(lacks=(b"content-length",)),
        status=204,
        fresh=False,
    ),
    changed(
        56,
        "304-with-body",
        answer(LENGTH_5, body=b"hello", first=NOT_MODIFIED),
        Seen(has=(LENGTH_5,), body=b""),
        status=304,
        fresh=True,
    ),
    changed(
        56, "304-with-chunks", answer(CHUNKED, body=HELLO, first=NOT_MODIFIED), Seen(body=b""), status=304, fresh=True
    ),
    *good(56, {"204": answer(b"X: y", first=NO_CONTENT)}, status=204),
    *good(
        56,
        {"304": answer(b'ETag: "x"', first=NOT_MODIFIED), "304-with-length": answer(LENGTH_5, first=NOT_MODIFIED)},
        status=304,
    ),
    *good(56, {"head": answer(LENGTH_5), "head-without-length": answer(b"X: y")}, ask=HEAD),
    *[
        replace(case, interim=None)
        for case in bad(
            56,
            {
                "100-with-body": answer(LENGTH_5, body=b"hello", first=b"HTTP/1.1 100 Continue") + GOOD,
                "103-with-chunks": answer(CHUNKED, body=HELLO, first=b"HTTP/1.1 103 Early Hints") + GOOD,
            },
        )
    ],
]
HINTS = answer(b"Link: </a.css>; rel=preload", first=b"HTTP/1.1 103 Early Hints")
CONTINUE = answer(first=b"HTTP/1.1 100 Continue")
PROCESSING = answer(first=b"HTTP/1.1 102 Processing")

INTERIM = [
    changed(57, "100", CONTINUE + GOOD, Seen(body=b"hello"), interim=(100,), fresh=False),
    changed(57, "103", HINTS + GOOD, Seen(body=b"hello"), interim=(103,), fresh=False),
    changed(
        57,
        "all-of-them",
        CONTINUE + PROCESSING + HINTS + HINTS + GOOD,
        Seen(body=b"hello"),
        interim=(100, 102, 103, 103),
    ),
    changed(57, "199", answer(first=b"HTTP/1.1 199 x") + GOOD, Seen(body=b"hello"), interim=(199,)),
    changed(57, "16-of-them", PROCESSING * 16 + GOOD, Seen(body=b"hello"), interim=(102,) * 16),
    changed(57, "http-1.0-client", CONTINUE + HINTS + GOOD, Seen(body=b"hello"), ask=OLD, stays=False),
    changed(57, "head", HINTS + answer(LENGTH_5), Seen(has=(LENGTH_5,), body=b""), ask=HEAD, interim=(103,)),
    Case(
        57,
        "17-of-them",
        (GET,),
        Kind.REFUSED,
        (502,),
        stays=True,
        seen=(Seen(),),
        plays=(Play(PROCESSING * 17 + GOOD),),
        interim=None,
        fresh=True,
    ),
    Case(
        57,
        "then-silence-and-fin",
        (GET,),
        Kind.REFUSED,
        (502,),
        stays=True,
        seen=(Seen(),),
        plays=(Play(HINTS, then=Then.CLOSE),),
        interim=(103,),
        fresh=True,
    ),
    Case(
        57,
        "then-garbage",
        (GET,),
        Kind.REFUSED,
        (502,),
        stays=True,
        seen=(Seen(),),
        plays=(Play(HINTS + b"x\r\n\r\n"),),
        interim=None,
        fresh=True,
    ),
]


def early(name: str, play: bytes, status: int, *script: bytes | Act, on_head_then: Then = Then.KEEP) -> Case:
    """A final answer before the request's body has come: it goes on at once, and neither connection is used again."""
    return Case(
        58,
        name,
        script,
        Kind.PASSED,
        (status,),
        stays=False,
        seen=(),
        unfinished=True,
        plays=(Play(b"", on_head=play, on_head_then=on_head_then),),
        fresh=True,
    )


TOO_LARGE = answer(b"Content-Length: 2", body=b"no", first=b"HTTP/1.1 413 Content Too Large")
UPLOAD = post(b"Content-Length: %d" % len(SMUGGLED))
CHUNKED_UPLOAD = post(CHUNKED)

EARLY = [
    early("413", TOO_LARGE, 413, UPLOAD, Act.ANSWER, SMUGGLED),
    early("413-body-never-comes", TOO_LARGE, 413, UPLOAD, Act.ANSWER),
    early("413-chunked", TOO_LARGE, 413, CHUNKED_UPLOAD, Act.ANSWER, HELLO + SMUGGLED),
    early("413-and-fin", TOO_LARGE, 413, UPLOAD, Act.ANSWER, SMUGGLED, on_head_then=Then.CLOSE),
    early("200", GOOD, 200, UPLOAD, Act.ANSWER, SMUGGLED),
    early("401", answer(b"Content-Length: 0", first=b"HTTP/1.1 401 Unauthorized"), 401, UPLOAD, Act.ANSWER, SMUGGLED),
    early("in-chunks", chunked(HELLO), 200, UPLOAD, Act.ANSWER, SMUGGLED),
]

CUT = [
    *cut(
        59,
        {
            "length-fin": answer(b"Content-Length: 10", body=b"hello"),
            "length-no-body-fin": answer(LENGTH_5),
            "chunk-fin": chunked(b"5\r\nhel"),
            "chunk-size-fin": chunked(b"5\r\nhello\r\n5"),
            "between-chunks-fin": chunked(b"5\r\nhello\r\n"),
            "no-last-chunk-fin": chunked(b""),
            "last-chunk-half-fin": chunked(b"5\r\nhello\r\n0\r\n"),
            "in-trailers-fin": chunked(b"5\r\nhello\r\n0\r\nX: y\r\n"),
        },
        then=Then.CLOSE,
    ),
    *cut(
        59,
        {
            "length-reset": answer(b"Content-Length: 10", body=b"hello"),
            "chunk-reset": chunked(b"5\r\nhel"),
            "between-chunks-reset": chunked(b"5\r\nhello\r\n"),
            "until-close-reset": answer(body=b"hello"),
        },
        then=Then.RESET,
    ),
    *cut(59, {"http-1.0-client-length-fin": answer(b"Content-Length: 10", body=b"hello")}, then=Then.CLOSE, ask=OLD),
    *cut(59, {"http-1.0-client-chunk-fin": chunked(b"5\r\nhello\r\n")}, then=Then.CLOSE, ask=OLD),
    *cut(59, {"http-1.0-client-until-close-reset": answer(body=b"hello")}, then=Then.RESET, ask=OLD),
    *bad(
        59,
        {"nothing-fin": b"", "in-status-line-fin": b"HTTP/1.1 2", "in-head-fin": OK + b"\r\nX: y\r\n"},
        then=Then.CLOSE,
    ),
    *bad(59, {"nothing-reset": b"", "in-head-reset": OK + b"\r\nX: y\r\n"}, then=Then.RESET),
]

TO_THE_END = [
    changed(60, "until-close", answer(body=b"hello"), Seen(has=(CHUNKED,), body=b"hello"), then=Then.CLOSE, fresh=True),
    changed(60, "until-close-nothing", answer(), Seen(has=(CHUNKED,), body=b""), then=Then.CLOSE, fresh=True),
    changed(
        60,
        "until-close-announced",
        answer(b"Connection: close", body=b"hello"),
        Seen(has=(CHUNKED,), lacks=(b"connection",), body=b"hello"),
        then=Then.CLOSE,
        fresh=True,
    ),
    changed(60, "looks-like-more", answer(body=GOOD), Seen(body=GOOD), then=Then.CLOSE, fresh=True),
    changed(
        60,
        "old-upstream-until-close",
        answer(body=b"hello", first=b"HTTP/1.0 200 OK"),
        Seen(line=OK, has=(CHUNKED,), body=b"hello"),
        then=Then.CLOSE,
        fresh=True,
    ),
    changed(
        60,
        "old-upstream-length",
        answer(LENGTH_5, body=b"hello", first=b"HTTP/1.0 200 OK"),
        Seen(line=OK, has=(LENGTH_5,), body=b"hello"),
        fresh=True,
    ),
    changed(
        60,
        "old-upstream-keep-alive",
        answer(LENGTH_5, b"Connection: keep-alive", body=b"hello", first=b"HTTP/1.0 200 OK"),
        Seen(line=OK, has=(LENGTH_5,), lacks=(b"connection",), body=b"hello"),
        fresh=False,
    ),
    changed(
        60,
        "length-and-close",
        answer(LENGTH_5, b"Connection: close", body=b"hello"),
        Seen(lacks=(b"connection",), body=b"hello"),
        fresh=True,
    ),
    changed(60, "length-and-fin", GOOD, Seen(body=b"hello"), then=Then.CLOSE, fresh=True),
    changed(
        60,
        "old-client-until-close",
        answer(body=b"hello"),
        Seen(lacks=(b"transfer-encoding",), body=b"hello"),
        ask=OLD,
        stays=False,
        then=Then.CLOSE,
        fresh=True,
    ),
    changed(
        60,
        "old-client-chunked",
        chunked(HELLO),
        Seen(lacks=(b"transfer-encoding",), body=b"hello"),
        ask=OLD,
        stays=False,
    ),
    changed(
        60,
        "old-client-keep-alive-length",
        GOOD,
        Seen(has=(b"Connection: keep-alive", LENGTH_5), body=b"hello"),
        ask=request(b"Connection: keep-alive", line=b"GET / HTTP/1.0"),
    ),
    changed(
        60,
        "old-client-keep-alive-chunked",
        chunked(HELLO),
        Seen(has=(b"Connection: close",), lacks=(b"transfer-encoding",), body=b"hello"),
        ask=request(b"Connection: keep-alive", line=b"GET / HTTP/1.0"),
        stays=False,
    ),
]


def flowing(name: str, play: bytes, arrives: bytes) -> Case:
    """An answer that has not ended: what came of it has reached the client."""
    return Case(
        61,
        name,
        (GET, Act.PAUSE, Act.LEAVE),
        Kind.NORMALISED,
        (),
        stays=False,
        seen=(Seen(),),
        plays=(Play(play),),
        arrives=arrives,
        interim=None,
        at_once=True,
        fresh=True,
    )


EVENTS = b"Content-Type: text/event-stream"

FLOWING = [
    flowing("events", answer(EVENTS, body=b"data: x\n\n"), b"9\r\ndata: x\n\n\r\n"),
    flowing("events-in-chunks", answer(EVENTS, CHUNKED, body=b"9\r\ndata: x\n\n\r\n"), b"data: x\n\n"),
    flowing("one-byte", answer(b"Content-Length: 1000000", body=b"x"), b"\r\n\r\nx"),
    flowing("one-byte-of-a-chunk", answer(CHUNKED, body=b"ffff\r\nx"), b"1\r\nx\r\n"),
    flowing("head-alone", answer(b"X: y", b"Content-Length: 10"), b"X: y\r\n"),
    flowing("interim-alone", HINTS, b"103 Early Hints\r\n"),
]
CASES = [*SURPLUS, *BODILESS, *INTERIM, *EARLY, *CUT, *TO_THE_END, *FLOWING]
