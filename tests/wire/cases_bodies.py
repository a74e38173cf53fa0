"""Bodies that are cut, early answers, pipelining, Expect: rows 14 to 20 of the checklist."""

from __future__ import annotations

from proxy.traffic.spec import DoorSpec, Limits
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
from tests.wire.recorder import Play, Then


def truncated(name: str, data: bytes, act: Act) -> Case:
    """A request that ends before its body does; who leaves by a RST gets no answer."""
    statuses = (400,) if act is Act.END else ()
    return Case(14, name, (data, act), Kind.CUT, statuses, stays=False, seen=(), unfinished=True)


TRUNCATED = [
    truncated("length-fin", post(LENGTH_5, body=b"hel"), Act.END),
    truncated("length-reset", post(LENGTH_5, body=b"hel"), Act.LEAVE),
    truncated("nothing-of-it-fin", post(LENGTH_5), Act.END),
    truncated("largest-length-fin", post(b"Content-Length: 9223372036854775807", body=b"hello"), Act.END),
    truncated("chunk-fin", post(CHUNKED, body=b"5\r\nhel"), Act.END),
    truncated("chunk-reset", post(CHUNKED, body=b"5\r\nhel"), Act.LEAVE),
    truncated("between-chunks-fin", post(CHUNKED, body=b"5\r\nhello\r\n"), Act.END),
    truncated("no-line-end-fin", post(CHUNKED, body=b"5\r\nhello\r\n0\r\n"), Act.END),
    truncated("in-trailers-fin", post(CHUNKED, body=b"5\r\nhello\r\n0\r\nX: y\r\n"), Act.END),
    truncated("in-trailers-reset", post(CHUNKED, body=b"5\r\nhello\r\n0\r\nX: y\r\n"), Act.LEAVE),
    truncated("half-a-line-end-fin", post(CHUNKED, body=b"5\r\nhello\r\n0\r\n\r"), Act.END),
]

BODIES = passed(
    15,
    {
        f"{method.decode().lower()}-{framing}": request(*fields, line=method + b" / HTTP/1.1", body=body)
        for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"PUT", b"PATCH", b"SEARCH")
        for framing, fields, body in (("length", (LENGTH_5,), b"hello"), ("chunked", (CHUNKED,), HELLO))
    },
)


def numbered(count: int) -> bytes:
    """So many requests, one behind the other."""
    return b"".join(request(line=b"GET /%d HTTP/1.1" % i) for i in range(count))


def numbered_seen(count: int) -> tuple[Seen, ...]:
    """How they look behind the front door."""
    return tuple(Seen(line=b"GET /%d HTTP/1.1" % i) for i in range(count))


PIPELINED = [
    Case(16, "three", (numbered(3),), Kind.PASSED, (200,) * 3, stays=True, seen=numbered_seen(3), fresh=False),
    Case(16, "forty", (numbered(40),), Kind.PASSED, (200,) * 40, stays=True, seen=numbered_seen(40), fresh=False),
    Case(
        16,
        "bodies-between",
        (post(LENGTH_5, body=b"hello") + post(CHUNKED, body=HELLO) + numbered(1),),
        Kind.PASSED,
        (200,) * 3,
        stays=True,
        seen=(Seen(body=b"hello"), Seen(body=b"hello"), *numbered_seen(1)),
    ),
    Case(
        16,
        "head-among-them",
        (numbered(1) + request(line=b"HEAD /h HTTP/1.1") + numbered(1),),
        Kind.PASSED,
        (200,) * 3,
        stays=True,
        methods=(b"GET", b"HEAD", b"GET"),
        seen=(*numbered_seen(1), Seen(line=b"HEAD /h HTTP/1.1"), *numbered_seen(1)),
    ),
    Case(
        16,
        "bad-one-behind-good-ones",
        (numbered(2) + request(b"X : y") + SMUGGLED,),
        Kind.REFUSED,
        (200, 200, 400),
        stays=False,
        seen=numbered_seen(2),
    ),
    Case(
        16,
        "nothing-behind-close",
        (request(b"Connection: close") + SMUGGLED,),
        Kind.NORMALISED,
        (200,),
        stays=False,
        seen=(Seen(lacks=(b"connection",)),),
    ),
    Case(16, "client-half-closed", (numbered(3), Act.END), Kind.PASSED, (200,) * 3, stays=False, seen=numbered_seen(3)),
]
SMALL = DoorSpec(limits=Limits(max_body=10))


def early(name: str, data: bytes, status: int, *, door: DoorSpec | None = None, unfinished: bool = False) -> Case:
    """A request that the front door answers by itself before its body has come; the body is never a request."""
    hosts = ("*",) if status != 404 else ("probe",)
    return Case(
        17,
        name,
        (data,),
        Kind.REFUSED,
        (status,),
        stays=False,
        seen=(),
        unfinished=unfinished,
        door=door,
        hosts=hosts,
    )


EARLY = [
    early("413-length", post(b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED), 413, door=SMALL),
    early("413-length-body-missing", post(b"Content-Length: 11", body=b""), 413, door=SMALL),
    early(
        "413-chunked",
        post(CHUNKED, body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
        413,
        door=SMALL,
        unfinished=True,
    ),
    early(
        "413-many-chunks", post(CHUNKED, body=b"5\r\nhello\r\n" * 3 + b"0\r\n\r\n"), 413, door=SMALL, unfinished=True
    ),
    early("404-length", post(b"Content-Length: %d" % (len(SMUGGLED) + 1), body=SMUGGLED), 404),
    early("404-chunked", post(CHUNKED, body=b"5\r\nhel"), 404),
    early("501-length", request(LENGTH_5, line=b"BREW / HTTP/1.1", body=b"hello" + SMUGGLED), 501),
    early("405-length", request(LENGTH_5, line=b"TRACE / HTTP/1.1", body=b"hello" + SMUGGLED), 405),
    early("417-length", post(b"Expect: x", LENGTH_5, body=b"hello" + SMUGGLED), 417),
    Case(
        17,
        "10-bytes-are-allowed",
        (post(b"Content-Length: 10", body=b"0123456789"),),
        Kind.PASSED,
        (200,),
        stays=True,
        door=SMALL,
        seen=(Seen(body=b"0123456789"),),
    ),
    Case(17, "404-without-body", (request(),), Kind.REFUSED, (404,), stays=True, seen=(), hosts=("probe",)),
]
EXPECT = b"Expect: 100-continue"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
DONE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"

CONTINUED = [
    Case(
        18,
        "continued",
        (post(EXPECT, LENGTH_5), Act.ANSWER, b"hello"),
        Kind.PASSED,
        (200,),
        stays=True,
        seen=(Seen(has=(EXPECT,), body=b"hello"),),
        plays=(Play(DONE, on_head=CONTINUE),),
        interim=(100,),
        fresh=False,
    ),
    Case(
        18,
        "continued-chunked",
        (post(EXPECT, CHUNKED), Act.ANSWER, HELLO),
        Kind.PASSED,
        (200,),
        stays=True,
        seen=(Seen(has=(EXPECT,), body=b"hello"),),
        plays=(Play(DONE, on_head=CONTINUE),),
        interim=(100,),
    ),
    Case(
        18,
        "client-does-not-wait",
        (post(EXPECT, LENGTH_5, body=b"hello"),),
        Kind.PASSED,
        (200,),
        stays=True,
        seen=(Seen(has=(EXPECT,), body=b"hello"),),
        interim=(),
    ),
    Case(
        18,
        "final-answer-instead",
        (post(EXPECT, b"Content-Length: %d" % len(SMUGGLED)), Act.ANSWER, SMUGGLED),
        Kind.PASSED,
        (413,),
        stays=False,
        seen=(),
        unfinished=True,
        plays=(Play(b"", on_head=TOO_LARGE),),
        fresh=True,
    ),
    Case(
        18,
        "final-answer-instead-get",
        (request(EXPECT, b"Content-Length: %d" % len(SMUGGLED)), Act.ANSWER, SMUGGLED),
        Kind.PASSED,
        (413,),
        stays=False,
        seen=(),
        unfinished=True,
        plays=(Play(b"", on_head=TOO_LARGE),),
        fresh=True,
    ),
    Case(
        18,
        "final-answer-200-instead",
        (post(EXPECT, LENGTH_5), Act.ANSWER, b"hello"),
        Kind.PASSED,
        (200,),
        stays=False,
        seen=(),
        unfinished=True,
        plays=(Play(b"", on_head=DONE),),
        fresh=True,
    ),
    Case(
        18,
        "upstream-refuses-with-417",
        (post(EXPECT, LENGTH_5), Act.ANSWER, b"hello"),
        Kind.PASSED,
        (417,),
        stays=False,
        seen=(),
        unfinished=True,
        plays=(
            Play(b"", on_head=b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n", on_head_then=Then.CLOSE),
        ),
        fresh=True,
    ),
    *passed(18, {"any-case": post(b"expect: 100-CONTINUE", LENGTH_5, body=b"hello")}),
    *normalised(
        18,
        {
            "no-body": (request(EXPECT), Seen(lacks=(b"expect",))),
            "length-zero": (post(EXPECT, b"Content-Length: 0"), Seen(lacks=(b"expect",))),
        },
    ),
    *refused(
        19,
        {
            "unknown": post(b"Expect: 200-ok", LENGTH_5, body=b"hello"),
            "word-before": post(b"Expect: x 100-continue", LENGTH_5, body=SMUGGLED),
            "letter-behind": post(b"Expect: 100-continuex", LENGTH_5, body=b"hello"),
            "parameter": post(b"Expect: 100-continue;a=b", LENGTH_5, body=b"hello"),
            "list": post(b"Expect: 100-continue, x", LENGTH_5, body=b"hello"),
            "twice": post(EXPECT, EXPECT, LENGTH_5, body=b"hello"),
            "empty": post(b"Expect:", LENGTH_5, body=b"hello"),
            "get": request(b"Expect: y"),
            "nbsp": post(b"Expect: \xa0100-continue", LENGTH_5, body=b"hello"),
        },
        status=417,
    ),
    *refused(
        19,
        {
            "folded": post(b"Expect:\r\n 100-continue", LENGTH_5, body=b"hello"),
            "space-before-colon": post(b"Expect : 100-continue", LENGTH_5, body=b"hello"),
        },
    ),
    Case(
        20,
        "http-1.0",
        (post(EXPECT, LENGTH_5, line=b"POST / HTTP/1.0", body=b"hello"),),
        Kind.NORMALISED,
        (200,),
        stays=False,
        seen=(Seen(line=b"POST / HTTP/1.1", lacks=(b"expect",), body=b"hello"),),
        plays=(Play(DONE, on_head=CONTINUE),),
        interim=(),
    ),
    Case(
        20,
        "http-1.0-unknown",
        (post(b"Expect: x", LENGTH_5, line=b"POST / HTTP/1.0", body=b"hello"),),
        Kind.NORMALISED,
        (200,),
        stays=False,
        seen=(Seen(lacks=(b"expect",), body=b"hello"),),
    ),
]
CASES = [*TRUNCATED, *BODIES, *PIPELINED, *EARLY, *CONTINUED]
