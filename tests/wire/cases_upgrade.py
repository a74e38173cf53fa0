"""Upgrades and tunnels: rows 46 to 51 of the checklist."""

from __future__ import annotations

from tests.wire.cases import CHUNKED, HELLO, SMUGGLED, Case, Kind, Seen, normalised, refused, request
from tests.wire.conversation import Act
from tests.wire.recorder import Play, Then

UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket")
WEBSOCKET = request(*UPGRADE, b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
ASKED = Seen(has=(b"Connection: upgrade", b"Upgrade: websocket"))
FRAME = b"\x81\x85\x01\x02\x03\x04igohn"
"""A masked text frame."""


def tunnel(
    row: int,
    name: str,
    *script: bytes | Act,
    tunnelled: bytes,
    play: bytes = SWITCH,
    seen: Seen = ASKED,
    interim: tuple[int, ...] = (),
) -> Case:
    """A switch of protocols; the upstream sends back what it gets behind it."""
    return Case(
        row,
        name,
        script,
        Kind.NORMALISED,
        (101,),
        stays=False,
        seen=(seen,),
        plays=(Play(play, then=Then.TUNNEL),),
        tunnelled=tunnelled,
        interim=interim,
    )


def refused_switch(row: int, name: str, play: bytes, *, ask: bytes = WEBSOCKET, stays: bool = False) -> Case:
    """A switch that the upstream had no right to make: the client sees 502, and nothing that it sent goes further."""
    return Case(
        row,
        name,
        (ask,),
        Kind.REFUSED,
        (502,),
        stays=stays,
        seen=(Seen(),),
        plays=(Play(play),),
        fresh=True,
    )


def declined(name: str, play: bytes, status: int, *script: bytes | Act) -> Case:
    """An upgrade that the upstream declines: an ordinary answer, and the end of both connections."""
    return Case(
        47,
        name,
        script,
        Kind.PASSED,
        (status,),
        stays=False,
        seen=(ASKED,),
        plays=(Play(play),),
        fresh=True,
    )


def switch(*lines: bytes, first: bytes = b"HTTP/1.1 101 Switching Protocols") -> bytes:
    """A 101 with these fields."""
    return b"\r\n".join([first, *lines, b"\r\n"])


FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
SPDY = request(b"Connection: Upgrade", b"Upgrade: SPDY/3.1")

CASES = [
    tunnel(46, "bytes-held-until-101", WEBSOCKET + FRAME, Act.ANSWER, Act.PAUSE, Act.END, tunnelled=FRAME),
    tunnel(46, "request-held-until-101", WEBSOCKET + SMUGGLED, Act.ANSWER, Act.PAUSE, Act.END, tunnelled=SMUGGLED),
    tunnel(46, "half-closed-before-101", WEBSOCKET + FRAME, Act.END, tunnelled=FRAME),
    declined("200", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, WEBSOCKET),
    declined("403", FORBIDDEN, 403, WEBSOCKET),
    declined("426", b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n", 426, WEBSOCKET),
    declined("request-behind", FORBIDDEN, 403, WEBSOCKET + SMUGGLED),
    declined("frame-behind", FORBIDDEN, 403, WEBSOCKET + FRAME, Act.ANSWER, FRAME),
    declined("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO, 200, WEBSOCKET + SMUGGLED),
    Case(
        47,
        "half-accepted",
        (WEBSOCKET + SMUGGLED,),
        Kind.NORMALISED,
        (200,),
        stays=False,
        seen=(ASKED,),
        plays=(Play(switch(*UPGRADE, b"Content-Length: 2", first=b"HTTP/1.1 200 OK") + b"ok"),),
        told=Seen(lacks=(b"upgrade",), has=(b"Connection: close",), body=b"ok"),
        fresh=True,
    ),
    refused_switch(48, "not-asked", SWITCH, ask=request(), stays=True),
    refused_switch(
        48, "not-asked-pipelined", SWITCH + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ask=request(), stays=True
    ),
    refused_switch(48, "asked-without-connection", SWITCH, ask=request(b"Upgrade: websocket"), stays=True),
    refused_switch(
        48,
        "h2c",
        switch(b"Connection: upgrade", b"Upgrade: h2c"),
        ask=request(b"Connection: upgrade", b"Upgrade: h2c"),
        stays=True,
    ),
    refused_switch(48, "other-protocol", switch(b"Connection: upgrade", b"Upgrade: tls/1.0")),
    refused_switch(48, "longer-name", switch(b"Connection: upgrade", b"Upgrade: websocketx")),
    refused_switch(48, "two-protocols", switch(b"Connection: upgrade", b"Upgrade: websocket, x")),
    refused_switch(48, "two-upgrade-fields", switch(b"Connection: upgrade", b"Upgrade: websocket", b"Upgrade: x")),
    refused_switch(48, "no-upgrade-field", switch(b"Connection: upgrade")),
    refused_switch(48, "no-connection-field", switch(b"Upgrade: websocket")),
    refused_switch(48, "content-length", switch(*UPGRADE, b"Content-Length: 5") + b"hello"),
    refused_switch(48, "content-length-0", switch(*UPGRADE, b"Content-Length: 0")),
    refused_switch(48, "transfer-encoding", switch(*UPGRADE, CHUNKED) + HELLO),
    refused_switch(48, "http-1.0", switch(*UPGRADE, first=b"HTTP/1.0 101 Switching Protocols")),
    refused_switch(48, "bare-lf", SWITCH.replace(b"\r\n", b"\n")),
    *refused(
        49,
        {
            "length": request(*UPGRADE, b"Content-Length: 5", body=b"hello"),
            "length-of-a-request": request(*UPGRADE, b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED),
            "chunked": request(*UPGRADE, CHUNKED, body=HELLO),
            "post": request(*UPGRADE, CHUNKED, line=b"POST / HTTP/1.1", body=b"0\r\n\r\n" + SMUGGLED),
            "not-a-protocol": request(b"Connection: upgrade", b"Upgrade: web socket"),
            "quoted": request(b"Connection: upgrade", b'Upgrade: "websocket"'),
        },
    ),
    tunnel(49, "length-zero", request(*UPGRADE, b"Content-Length: 0"), Act.ANSWER, b"ping", Act.END, tunnelled=b"ping"),
    *normalised(
        49,
        {
            "http-1.0": (request(*UPGRADE, line=b"GET / HTTP/1.0"), Seen(lacks=(b"upgrade", b"connection"))),
        },
        stays=False,
    ),
    *normalised(
        49,
        {
            "not-named": (request(b"Upgrade: websocket"), Seen(lacks=(b"upgrade",))),
            "notupgrade": (request(b"Connection: notupgrade", b"Upgrade: websocket"), Seen(lacks=(b"upgrade",))),
            "upgrade-insecure": (
                request(b"Connection: keep-alive", b"Upgrade-Insecure-Requests: 1"),
                Seen(has=(b"Upgrade-Insecure-Requests: 1",), lacks=(b"upgrade",)),
            ),
            "no-protocol": (request(b"Connection: upgrade"), Seen(lacks=(b"upgrade", b"connection"))),
            "empty": (request(b"Connection: upgrade", b"Upgrade:"), Seen(lacks=(b"upgrade", b"connection"))),
        },
    ),
    tunnel(50, "no-key", request(*UPGRADE), Act.ANSWER, b"ping", Act.END, tunnelled=b"ping"),
    tunnel(
        50, "short-key", request(*UPGRADE, b"Sec-WebSocket-Key: x"), Act.ANSWER, b"ping", Act.END, tunnelled=b"ping"
    ),
    *refused(
        50,
        {
            "version-12": request(*UPGRADE, b"Sec-WebSocket-Version: 12"),
            "two-versions": request(*UPGRADE, b"Sec-WebSocket-Version: 13, 8"),
            "version-twice": request(*UPGRADE, b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 8"),
        },
        status=426,
    ),
    tunnel(51, "both-ways", WEBSOCKET, Act.ANSWER, FRAME, FRAME, Act.PAUSE, Act.END, tunnelled=FRAME * 2),
    tunnel(51, "half-close-is-passed-on", WEBSOCKET, Act.ANSWER, FRAME, Act.END, tunnelled=FRAME),
    tunnel(51, "no-http-inside", WEBSOCKET, Act.ANSWER, SMUGGLED, Act.END, tunnelled=SMUGGLED),
    tunnel(51, "large", WEBSOCKET, Act.ANSWER, b"x" * 300_000, Act.PAUSE, Act.END, tunnelled=b"x" * 300_000),
    tunnel(
        51,
        "any-case",
        request(b"connection: keep-alive, UPGRADE", b"upgrade: WebSocket"),
        Act.ANSWER,
        b"ping",
        Act.END,
        tunnelled=b"ping",
        seen=Seen(),
    ),
    tunnel(
        51,
        "interim-before-101",
        WEBSOCKET,
        Act.ANSWER,
        Act.ANSWER,
        b"ping",
        Act.END,
        tunnelled=b"ping",
        play=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SWITCH,
        interim=(103,),
    ),
    tunnel(
        51,
        "another-protocol",
        SPDY,
        Act.ANSWER,
        b"ping",
        Act.END,
        tunnelled=b"ping",
        play=switch(b"Connection: Upgrade", b"Upgrade: SPDY/3.1"),
        seen=Seen(has=(b"Connection: upgrade", b"Upgrade: SPDY/3.1")),
    ),
]
