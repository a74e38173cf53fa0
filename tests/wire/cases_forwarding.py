"""What is for one hop alone, and what tells upstreams who asks: rows 40 to 45 of the checklist."""

from __future__ import annotations

from dataclasses import replace

from proxy.traffic.spec import DoorSpec
from tests.wire.cases import Case, Kind, Seen, normalised, passed, post, refused, request

TRUSTING = DoorSpec(trusted_proxies=("127.0.0.0/8",))

CONNECTION = [
    *normalised(
        40,
        {
            "named-field": (
                request(b"Connection: X-A", b"X-A: b", b"X-C: d"),
                Seen(lacks=(b"x-a", b"connection"), has=(b"X-C: d",)),
            ),
            "any-case": (request(b"CONNECTION: x-A", b"X-a: b"), Seen(lacks=(b"x-a", b"connection"))),
            "two-lines": (
                request(b"Connection: X-A", b"Connection: X-B", b"X-A: 1", b"X-B: 2"),
                Seen(lacks=(b"x-a", b"x-b")),
            ),
            "repeated-field": (request(b"Connection: X-A", b"X-A: 1", b"X-A: 2"), Seen(lacks=(b"x-a",))),
            "named-before-and-behind": (request(b"X-A: 1", b"Connection: X-A", b"X-A: 2"), Seen(lacks=(b"x-a",))),
            "names-nothing-there": (request(b"Connection: X-A"), Seen(lacks=(b"x-a", b"connection"))),
            "connection": (request(b"Connection: connection"), Seen(lacks=(b"connection",))),
            "empty": (request(b"Connection:"), Seen(lacks=(b"connection",))),
            "keep-alive": (request(b"Connection: keep-alive"), Seen(lacks=(b"connection",))),
            "keep-alive-twice": (
                request(b"Connection: keep-alive", b"Connection: keep-alive"),
                Seen(lacks=(b"connection",)),
            ),
            "accept": (request(b"Connection: accept", b"Accept: text/html"), Seen(lacks=(b"accept",))),
            "cookie": (request(b"Connection: cookie", b"Cookie: a=b"), Seen(has=(b"Cookie: a=b",))),
            "authorization": (
                request(b"Connection: Authorization", b"Authorization: x"),
                Seen(has=(b"Authorization: x",)),
            ),
            "x-forwarded-for": (request(b"Connection: x-forwarded-for"), Seen(has=(b"X-Forwarded-For: 127.0.0.1",))),
            "x-forwarded-proto": (request(b"Connection: x-forwarded-proto"), Seen(has=(b"X-Forwarded-Proto: http",))),
            "x-forwarded-host": (request(b"Connection: x-forwarded-host"), Seen(has=(b"X-Forwarded-Host: a",))),
            "x-real-ip": (request(b"Connection: x-real-ip"), Seen(has=(b"X-Real-IP: 127.0.0.1",))),
            "x-request-id": (request(b"Connection: x-request-id"), Seen(has=(b"X-Request-Id: test00000001",))),
            "via": (request(b"Connection: via", b"Via: 1.1 x"), Seen(has=(b"Via: 1.1 x", b"Via: 1.1 bluegreen"))),
        },
    ),
    *normalised(
        40,
        {
            "list": (request(b"Connection: close, X-A ,,\tX-B", b"X-A: 1", b"X-B: 2"), Seen(lacks=(b"x-a", b"x-b"))),
            "close": (request(b"Connection: close"), Seen(lacks=(b"connection",))),
            "close-wins": (request(b"Connection: keep-alive, CLOSE"), Seen(lacks=(b"connection",))),
            "close-in-second-line": (request(b"Connection: x", b"Connection: close"), Seen(lacks=(b"connection",))),
        },
        stays=False,
    ),
    *refused(
        40,
        {
            "host": request(b"Connection: Host"),
            "content-length": post(b"Connection: content-length", b"Content-Length: 5", body=b"hello"),
            "transfer-encoding": post(
                b"Connection: Transfer-Encoding", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"
            ),
            "expect": post(b"Connection: expect", b"Content-Length: 5", b"Expect: 100-continue", body=b"hello"),
            "content-length-in-list": post(b"Connection: close, Content-Length", b"Content-Length: 5", body=b"hello"),
            "no-token": request(b"Connection: close;x"),
            "two-words": request(b"Connection: keep alive"),
            "quoted": request(b'Connection: "close"'),
            "not-ascii": request(b"Connection: clos\xe9"),
        },
    ),
]

HOP_BY_HOP = normalised(
    41,
    {
        "keep-alive": (request(b"Keep-Alive: timeout=5"), Seen(lacks=(b"keep-alive",))),
        "proxy-connection": (request(b"Proxy-Connection: close"), Seen(lacks=(b"proxy-connection",))),
        "te": (request(b"TE: trailers"), Seen(lacks=(b"te",))),
        "te-named": (request(b"TE: trailers, gzip;q=0.5", b"Connection: TE"), Seen(lacks=(b"te", b"connection"))),
        "trailer": (request(b"Trailer: X"), Seen(lacks=(b"trailer",))),
        "upgrade-unnamed": (request(b"Upgrade: websocket"), Seen(lacks=(b"upgrade",))),
        "proxy-authorization": (request(b"Proxy-Authorization: Basic x"), Seen(lacks=(b"proxy-authorization",))),
        "proxy-authenticate": (request(b"Proxy-Authenticate: Basic"), Seen(lacks=(b"proxy-authenticate",))),
        "httpoxy": (request(b"Proxy: http://evil"), Seen(lacks=(b"proxy",))),
        "any-case": (
            request(b"KEEP-ALIVE: 5", b"tE: x", b"tRAILER: y"),
            Seen(lacks=(b"keep-alive", b"te", b"trailer")),
        ),
    },
)

SPOOFED = normalised(
    42,
    {
        "x-forwarded-for": (request(b"X-Forwarded-For: 1.2.3.4"), Seen(has=(b"X-Forwarded-For: 127.0.0.1",))),
        "x-forwarded-for-twice": (
            request(b"x-forwarded-for: 1.2.3.4", b"X-FORWARDED-FOR: 5.6.7.8"),
            Seen(has=(b"X-Forwarded-For: 127.0.0.1",)),
        ),
        "x-forwarded-proto": (request(b"X-Forwarded-Proto: https"), Seen(has=(b"X-Forwarded-Proto: http",))),
        "x-forwarded-host": (request(b"X-Forwarded-Host: evil"), Seen(has=(b"X-Forwarded-Host: a",))),
        "x-forwarded-port": (request(b"X-Forwarded-Port: 1"), Seen(lacks=(b"x-forwarded-port",))),
        "x-forwarded-anything": (request(b"X-Forwarded-User: root"), Seen(lacks=(b"x-forwarded-user",))),
        "forwarded": (request(b"Forwarded: for=1.2.3.4;proto=https"), Seen(lacks=(b"forwarded",))),
        "x-real-ip": (request(b"X-Real-IP: 1.2.3.4"), Seen(has=(b"X-Real-IP: 127.0.0.1",))),
        "x-request-id": (request(b"X-Request-Id: mine"), Seen(has=(b"X-Request-Id: test00000001",))),
        "named-in-connection": (
            request(b"Connection: X-Forwarded-For", b"X-Forwarded-For: 1.2.3.4"),
            Seen(has=(b"X-Forwarded-For: 127.0.0.1",)),
        ),
    },
)

# Each of these fields is there once, whatever came: a second one would be the first one's contradiction.
SPOOFED = [
    replace(case, once=(b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip", b"x-request-id"))
    for case in SPOOFED
]


def trusted(name: str, *fields: bytes, has: bytes, logged: dict[str, object]) -> Case:
    """A request from a proxy that is believed; what it says reaches upstream and log."""
    seen = (Seen(has=(has,)),)
    return Case(42, name, (request(*fields),), Kind.NORMALISED, (200,), True, seen, door=TRUSTING, logged=logged)


TRUSTED = [
    trusted(
        "trusted-x-forwarded-for",
        b"X-Forwarded-For: 1.2.3.4",
        has=b"X-Forwarded-For: 1.2.3.4, 127.0.0.1",
        logged={"client": "1.2.3.4"},
    ),
    trusted(
        "trusted-two-lines",
        b"X-Forwarded-For: 9.9.9.9",
        b"X-Forwarded-For: 1.2.3.4",
        has=b"X-Forwarded-For: 9.9.9.9, 1.2.3.4, 127.0.0.1",
        logged={"client": "1.2.3.4"},
    ),
    trusted(
        "trusted-x-forwarded-proto",
        b"X-Forwarded-Proto: https",
        has=b"X-Forwarded-Proto: https",
        logged={"client": "127.0.0.1"},
    ),
    trusted(
        "trusted-x-request-id",
        b"X-Request-Id: theirs-1",
        has=b"X-Request-Id: theirs-1",
        logged={"request_id": "theirs-1"},
    ),
    trusted(
        "trusted-x-request-id-odd",
        b'X-Request-Id: a"b',
        has=b"X-Request-Id: test00000001",
        logged={"request_id": "test00000001"},
    ),
    trusted(
        "trusted-log-injection",
        b'X-Forwarded-For: 1.2.3.4","status":"200',
        has=b'X-Forwarded-For: 1.2.3.4","status":"200, 127.0.0.1',
        logged={"client": "127.0.0.1"},
    ),
]

OUR_OWN = normalised(
    43,
    {
        "x-bluegreen-color": (request(b"X-Bluegreen-Color: green"), Seen(lacks=(b"x-bluegreen-color",))),
        "any-case": (request(b"x-BLUEGREEN-anything: x"), Seen(lacks=(b"x-bluegreen-anything",))),
    },
)

HOP = b"Via: 1.1 bluegreen"

LOOPS = [
    *passed(44, {"eight-hops": request(*[HOP] * 8), "others": request(*[b"Via: 1.1 other"] * 20)}),
    *refused(
        44,
        {
            "nine-hops": request(*[HOP] * 9),
            "nine-hops-in-one-line": request(b"Via: " + b", ".join([b"1.0 bluegreen"] * 9)),
            "nine-hops-with-comments": request(*[HOP + b" (it is me)"] * 9),
        },
        status=508,
    ),
    *refused(44, {"max-forwards-odd": request(b"Max-Forwards: -1", line=b"OPTIONS / HTTP/1.1")}),
    *normalised(
        44,
        {
            "max-forwards-options": (
                request(b"Max-Forwards: 5", line=b"OPTIONS / HTTP/1.1"),
                Seen(has=(b"Max-Forwards: 4",)),
            )
        },
    ),
    *passed(44, {"max-forwards-get": request(b"Max-Forwards: 5"), "max-forwards-0-get": request(b"Max-Forwards: 0")}),
    Case(
        44,
        "max-forwards-0-options",
        (request(b"Max-Forwards: 0", line=b"OPTIONS / HTTP/1.1"),),
        Kind.REFUSED,
        (200,),
        stays=True,
        seen=(),
    ),
]

SETTINGS = b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"

HTTP_2 = normalised(
    45,
    {
        "h2c": (
            request(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", SETTINGS),
            Seen(lacks=(b"upgrade", b"http2-settings", b"connection")),
        ),
        "h2c-without-settings": (
            request(b"Connection: Upgrade", b"Upgrade: h2c"),
            Seen(lacks=(b"upgrade", b"connection")),
        ),
        "settings-unnamed": (request(SETTINGS), Seen(lacks=(b"http2-settings",))),
        "capitals": (request(b"Connection: upgrade", b"Upgrade: H2C"), Seen(lacks=(b"upgrade",))),
        "h2": (request(b"Connection: upgrade", b"Upgrade: h2"), Seen(lacks=(b"upgrade",))),
        "tls": (request(b"Connection: upgrade", b"Upgrade: TLS/1.2"), Seen(lacks=(b"upgrade",))),
        "http-2.0": (request(b"Connection: upgrade", b"Upgrade: HTTP/2.0"), Seen(lacks=(b"upgrade",))),
        "with-body": (
            post(
                b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", SETTINGS, b"Content-Length: 5", body=b"hello"
            ),
            Seen(lacks=(b"upgrade",), body=b"hello"),
        ),
    },
)

CASES: list[Case] = [*CONNECTION, *HOP_BY_HOP, *SPOOFED, *TRUSTED, *OUR_OWN, *LOOPS, *HTTP_2]
