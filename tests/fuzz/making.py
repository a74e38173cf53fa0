"""Good requests and good answers, made at random, with what each of them means.

Randomness is an argument: a seeded generator for long runs, or one of hypothesis that can shrink what it chose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz.conversation import PLACEHOLDER
from tests.fuzz.readings import Fields, Message

METHODS = (
    b"GET GET GET GET POST POST POST PUT PUT HEAD HEAD OPTIONS DELETE PATCH PROPFIND M-SEARCH QUERY REPORT LOCK PURGE "
    b"MKCALENDAR UNSUBSCRIBE COPY"
).split()
TARGETS = (
    b"/",
    b"/a",
    b"/a/../b",
    b"//a//",
    b"/%2e%2e/%2F;x=1",
    b"/?q",
    b"/a?b=/c?d",
    b'/a|b{c}^`"<>',
    b"/~u/!$&'()*+,=:@-._",
    b"/" + b"x" * 40,
)
HOSTS = (b"a", b"a.example", b"A.Example:80", b"127.0.0.1:8080", b"[::1]", b"[::1]:443", b"a-b.c_d:1")
NAMES = (
    b"Accept",
    b"User-Agent",
    b"Cookie",
    b"X-A",
    b"x-b",
    b"X!#$%&'*+-.^`|~9",
    b"Authorization",
    b"Via",
    b"Content-Type",
    b"Content-Encoding",
    b"If-Match",
    b"Range",
    b"T",
    b"C",
    b"Contents",
    b"Connections",
    b"Transfer",
    b"Hosts",
    b"Max-Forwards",
)
ONCE = {b"Content-Type", b"Max-Forwards"}
REMOVED = (
    (b"X_Under_Score", b"1"),
    (b"X_Forwarded_For", b"192.0.2.1"),
    (b"Keep-Alive", b"timeout=5"),
    (b"Proxy-Connection", b"keep-alive"),
    (b"Proxy", b"http://b"),
    (b"TE", b"trailers"),
    (b"Trailer", b"X-T"),
    (b"Proxy-Authorization", b"Basic YTpi"),
    (b"HTTP2-Settings", b"AAMAAABkAAQAAP__"),
    (b"X-Forwarded-For", b"192.0.2.1"),
    (b"X-Forwarded-Proto", b"https"),
    (b"Forwarded", b"for=192.0.2.1"),
    (b"X-Real-IP", b"192.0.2.1"),
    (b"X-Request-Id", b"forged"),
    (b"X-Bluegreen-Color", b"green"),
)
VALUES = (
    b"1",
    b"",
    b"a b\tc",
    b"*/*",
    b'"quoted, \\" string"',
    b"\xa0obs\x85\xff",
    b"chunked",
    b"0",
    b"Content-Length: 5",
    b"a,,b, ,",
    b"v" * 70,
)
BODIES = (
    b"x",
    b"hello",
    b"\r\n",
    b"0\r\n\r\n",
    b"GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"\x00\xff\r\r\n\n",
    b"POST /smuggled HTTP/1.1\r\nHost: b\r\nContent-Length: 9\r\n\r\n",
)
EXTENSIONS = (b"", b"", b"", b";a", b";a=b", b';a="b;\\"c";d')
TRAILERS = (b"", b"", b"", b"X-T: 1\r\n", b"A:\r\nB: \xff \r\n", b"Connection: close\r\n")
BLANKS = (b" ", b" ", b" ", b"", b"\t", b"  \t")


def request(random: Random) -> tuple[bytes, Message]:
    """A good request as bytes, and what it means."""
    old = random.random() < 0.08
    method = random.choice(METHODS)
    host = random.choice(HOSTS)
    target = _target(random, method, host)
    named = not (old and random.random() < 0.3 and not target.startswith(b"h"))
    fields: Fields = [(b"Host", host)] if named else []
    fields += _fields(random)
    _with_connection(random, fields, old=old)
    body = _body(random) if random.random() < 0.45 else None
    coded = body or b""
    if body is not None:
        coded = _framed(random, fields, body, chunks=not old and random.random() < 0.5)
        if random.random() < 0.1:
            fields.append((b"Expect", b"100-continue"))
    elif not old and random.random() < 0.05:
        fields += [(b"Connection", b"Upgrade"), (b"Upgrade", random.choice((b"websocket", b"a/1", b"h2c")))]
    _shuffle(random, fields)
    version = b"1.0" if old else b"1.1"
    lines = [b"%b: %b" % field for field in fields] if random.random() < 0.7 else _spaced(random, fields)
    blank = b"\r\n" * random.choice((0, 0, 0, 0, 0, 0, 0, 1, 2))
    raw = blank + b"\r\n".join([b"%b %b HTTP/%b" % (method, target, version), *lines, b"", coded])
    return raw, Message(method, target, version, [(n.lower(), v) for n, v in fields], bytearray(body or b""))


def _target(random: Random, method: bytes, host: bytes) -> bytes:
    if method == b"OPTIONS" and random.random() < 0.5:
        return b"*"
    path = random.choice(TARGETS)
    if random.random() < 0.12:
        rest = random.choice((path, path, b"", b"?q=1"))
        return random.choice((b"http", b"HTTP")) + b"://" + host + rest
    return path


def _fields(random: Random) -> Fields:
    fields: Fields = []
    for _ in range(random.choice((0, 1, 1, 2, 3, 8))):
        if random.random() < 0.2:
            fields.append(random.choice(REMOVED))
        elif (name := random.choice(NAMES)) not in ONCE or name not in dict(fields):
            fields.append((name, b"7" if name == b"Max-Forwards" else random.choice(VALUES)))
    return fields


def _with_connection(random: Random, fields: Fields, *, old: bool) -> None:
    draw = random.random()
    if draw < 0.1 or (old and draw < 0.5):
        fields.append((b"Connection", b"keep-alive"))
    elif draw < 0.13:
        fields.append((b"Connection", random.choice((b"close", b"Close, x"))))
    elif draw < 0.25:
        fields.append((b"Connection", random.choice((b"X-A, keep-alive", b"cookie, x-b", b",,Keep-Alive", b"TE"))))


def _body(random: Random) -> bytes:
    draw = random.random()
    if draw < 0.9:
        return b"".join(random.choice(BODIES) for _ in range(random.choice((0, 1, 1, 2))))
    return b"b" * random.choice((255, 256, 4095, 20_000, 70_000 if draw > 0.99 else 1_000))


def _framed(random: Random, fields: Fields, body: bytes, *, chunks: bool) -> bytes:
    """The body as it is sent; the field that frames it joins the others."""
    if not chunks:
        zeros = random.choice((b"", b"", b"", b"0", b"0000"))
        fields.append((random.choice((b"Content-Length", b"content-length")), zeros + b"%d" % len(body)))
        return body
    fields.append((b"Transfer-Encoding", random.choice((b"chunked", b"chunked", b"Chunked"))))
    return in_chunks(random, body)


def in_chunks(random: Random, body: bytes) -> bytes:
    """The body in chunks of random sizes, with extensions and trailers now and then."""
    coded, position = [], 0
    while position < len(body):
        size = random.choice((1, 2, 3, 16, 17, 1000)) if len(body) < 200 else max(len(body) // 3, 1)
        piece = body[position : position + size]
        form = random.choice((b"%x", b"%x", b"%X", b"00%x"))
        coded.append(form % len(piece) + random.choice(EXTENSIONS) + b"\r\n" + piece + b"\r\n")
        position += size
    last = random.choice((b"0", b"0", b"000")) + random.choice(EXTENSIONS)
    return b"".join([*coded, last, b"\r\n", random.choice(TRAILERS), b"\r\n"])


def _shuffle(random: Random, fields: Fields) -> None:
    """Put the framing and the Host anywhere; the order of the others does not matter here."""
    if random.random() < 0.5:
        random.shuffle(fields)


def _spaced(random: Random, fields: Fields) -> list[bytes]:
    """The fields with any case and any blanks that mean nothing."""
    cases: Sequence[Callable[[bytes], bytes]] = (bytes.lower, bytes.upper, bytes.title, bytes)
    return [
        b"%b:%b%b%b" % (random.choice(cases)(name), random.choice(BLANKS), value, random.choice((b"", b" ", b"\t ")))
        for name, value in fields
    ]


# Answers.

STATUSES = (200, 200, 200, 201, 204, 206, 301, 304, 404, 418, 500, 503, 599)
INTERIM = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 102 \r\nX-A: 1\r\n\r\n",
)
REPLY_FIELDS = (
    (b"Server", b"s"),
    (b"Date", b"Thu, 01 Jan 1970 00:00:00 GMT"),
    (b"Set-Cookie", b"a=b; Path=/"),
    (b"Set-Cookie", b"c=d"),
    (b"X-Request-Id", b"theirs"),
    (b"Connection", b"keep-alive"),
    (b"Connection", b"close"),
    (b"Connection", b"x-a, keep-alive"),
    (b"Keep-Alive", b"timeout=5"),
    (b"X-A", b"\xff obs\t"),
    (b"Content-Type", b"text/event-stream"),
    (b"Content-Type", b"text/html; charset=utf-8"),
    (b"Content-Encoding", b"gzip"),
    (b"Proxy-Authenticate", b"Basic"),
    (b"Trailer", b"X-T"),
    (b"Upgrade", b"h2c"),
    (b"Via", b"1.1 other"),
    (b"Empty", b""),
)


def reply(random: Random, method: bytes, upgrade: bytes = b"") -> bytes:
    """A good answer to such a request. Its body holds the place of a token."""
    interim = b"".join(random.choice(INTERIM) for _ in range(random.choice((0, 0, 0, 0, 1, 3))))
    if upgrade and random.random() < 0.5:
        return interim + b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\nhi" + PLACEHOLDER
    status = random.choice(STATUSES)
    fields = [(b"X-Token", PLACEHOLDER)] + [random.choice(REPLY_FIELDS) for _ in range(random.choice((0, 1, 2, 4)))]
    body = PLACEHOLDER * random.choice((0, 1, 2, 20)) + random.choice((b"", *BODIES))
    version = b"1.1" if random.random() < 0.9 else b"1.0"
    coded = _reply_framed(random, fields, status, body, chunks=version == b"1.1")
    if method == b"HEAD" or status in {204, 304}:
        coded = b""
    _shuffle(random, fields)
    line = b"HTTP/%b %d %b" % (version, status, random.choice((b"OK", b"", b"Any \xff reason")))
    return interim + b"\r\n".join([line, *(b"%b: %b" % field for field in fields), b"", coded])


def _reply_framed(random: Random, fields: Fields, status: int, body: bytes, *, chunks: bool) -> bytes:
    draw = random.random()
    if status == 204 or draw < 0.12:
        return body  # until the upstream closes
    if draw < 0.5 and chunks and status != 304:
        fields.append((b"Transfer-Encoding", b"chunked"))
        return in_chunks(random, body)
    # The token is as long as what holds its place.
    fields.append((b"Content-Length", b"%d" % len(body)))
    return body
