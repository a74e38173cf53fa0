"""Ways to spoil a message: most aim at what two parsers are likely to read in two ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

ODD = (
    b"\x00",
    b"\x01",
    b"\t",
    b" ",
    b"\x0b",
    b"\x0c",
    b"\r",
    b"\n",
    b"\r\n",
    b"\x1f",
    b"\x7f",
    b"\x80",
    b"\x85",
    b"\xa0",
    b"\xff",
    b"\xe2\x80\xa8",
    b",",
    b";",
    b":",
    b'"',
    b"#",
    b"+",
    b"-",
    b"_",
    b"0",
    b"0x",
)
LINES = (
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Content-Length: +5\r\n",
    b"Content-Length:\r\n",
    b"Content-Length: 00000000000000000000000005\r\n",
    b"Content-Length: 18446744073709551621\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"Transfer-Encoding: chunked;q=1\r\n",
    b"Transfer_Encoding: chunked\r\n",
    b"Content_Length: 7\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Host: b\r\n",
    b"Host:\r\n",
    b"Host: a@b\r\n",
    b"Connection: close\r\n",
    b"Connection: content-length\r\n",
    b"Connection: host, transfer-encoding\r\n",
    b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"Expect: 100-continue\r\n",
    b"Expect: 200-ok\r\n",
    b" folded: x\r\n",
    b"\tfolded\r\n",
    b": no name\r\n",
    b"no colon\r\n",
    b"\r\n",
)
SIZES = (
    b"0",
    b"5",
    b"-1",
    b"+5",
    b"0x5",
    b"5 ",
    b" 5",
    b"5;",
    b"fffffffffffffffff",
    b"10000000000000005",
    b"",
    b"5\x00",
)
VERSIONS = (
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/1.2",
    b"HTTP/2.0",
    b"HTTP/1.10",
    b"http/1.1",
    b"",
    b"HTTP/1.1 ",
    b"HTTP/11",
)
METHODS = (b"CONNECT", b"TRACE", b"get", b"GETT", b"", b"PRI", b"G\x00T", b"FOO", b"GET:")
TARGETS = (
    b"a",
    b"*",
    b"http://b/",
    b"http://",
    b"//",
    b"/\x80",
    b"/#f",
    b"/ b",
    b"/\x00",
    b"a:80",
    b"ftp://a/",
    b"/\t",
)

_FRAMING = re.compile(rb"(?i)\r\n(?:content-length|transfer-encoding|host|connection|expect|upgrade)[^\r]*")
_SIZE = re.compile(rb"\r\n([0-9A-Fa-f]{1,16})[^\r]{,1000}\r\n")
_START = re.compile(rb"([A-Z-]+) ([^ ]+) (HTTP/1\.[01])\r\n")

Mutator = Callable[[Random, bytes], bytes]


def flip(random: Random, data: bytes) -> bytes:
    """Change one byte."""
    at = _at(random, data)
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def insert(random: Random, data: bytes) -> bytes:
    """Put something odd anywhere."""
    at = _at(random, data)
    return data[:at] + random.choice(ODD) + data[at:]


def delete(random: Random, data: bytes) -> bytes:
    """Leave some bytes out."""
    at = _at(random, data)
    return data[:at] + data[at + random.choice((1, 1, 2, 10)) :]


def repeat(random: Random, data: bytes) -> bytes:
    """Say a stretch twice."""
    at = _at(random, data)
    end = at + random.choice((1, 2, 10, 60))
    return data[:end] + data[at:end] + data[end:]


def truncate(random: Random, data: bytes) -> bytes:
    """Stop early."""
    return data[: _at(random, data)]


def end_lines_otherwise(random: Random, data: bytes) -> bytes:
    """Another end for one line, or for all of them."""
    other = random.choice((b"\n", b"\r", b"\n\r", b"\r\r\n", b" \r\n", b"\r\n ", b"\r\n\t", b"\r\n\r\n", b"\x00\r\n"))
    if random.random() < 0.1:
        return data.replace(b"\r\n", other)
    return _replaced(random, data, b"\r\n", other)


def spoil_colon(random: Random, data: bytes) -> bytes:
    """Something odd before or after a colon."""
    odd = random.choice(ODD)
    return _replaced(random, data, b":", random.choice((odd + b":", b":" + odd, b": " + odd, b"")))


def spoil_framing(random: Random, data: bytes) -> bytes:
    """Something odd within a field on which the framing depends, or its case, or the field twice."""
    found = list(_FRAMING.finditer(data))
    if not found:
        return insert(random, data)
    match = random.choice(found)
    line = match[0]
    kind = random.randrange(4)
    if kind == 0:
        line += line
    elif kind == 1:
        line = line.swapcase()
    else:
        at = random.randrange(2, len(line) + 1)
        line = line[:at] + random.choice(ODD) + line[at + (kind == 2) :]
    return data[: match.start()] + line + data[match.end() :]


def add_line(random: Random, data: bytes) -> bytes:
    """One more line, where a line ends."""
    return _replaced(random, data, b"\r\n", b"\r\n" + random.choice(LINES))


def tamper_with_size(random: Random, data: bytes) -> bytes:
    """Another size, or something odd behind it, for one chunk."""
    found = list(_SIZE.finditer(data))
    if not found:
        return spoil_framing(random, data)
    match = random.choice(found)
    size = match[1] + random.choice((*ODD, b";\n", b';a="\r\n"')) if random.random() < 0.5 else random.choice(SIZES)
    return data[: match.start(1)] + size + data[match.end(1) :]


def spoil_start(random: Random, data: bytes) -> bytes:
    """Another method, target, version, or blank in the first line of some request."""
    found = list(_START.finditer(data))
    if not found:
        return flip(random, data)
    match = random.choice(found)
    parts = list(match.groups())
    which = random.randrange(4)
    if which < 3:
        parts[which] = random.choice((METHODS, TARGETS, VERSIONS)[which])
        line = b" ".join(parts)
    else:
        line = random.choice((b"  ", b"\t", b"\x0b", b"\xa0", b"")).join(parts)
    return data[: match.start()] + line + data[match.end() - 2 :]


MUTATORS: tuple[Mutator, ...] = (
    flip,
    insert,
    delete,
    repeat,
    truncate,
    end_lines_otherwise,
    spoil_colon,
    spoil_framing,
    spoil_framing,
    add_line,
    tamper_with_size,
    tamper_with_size,
    spoil_start,
)


def mutated(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Spoiled once, or a few times; now and then continued by the end of another message."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        data = random.choice(MUTATORS)(random, data)
    if others and random.random() < 0.1:
        other = random.choice(others)
        data = data[: _at(random, data)] + other[_at(random, other) :]
    return data


def _at(random: Random, data: bytes) -> int:
    return random.randrange(len(data)) if data else 0


def _replaced(random: Random, data: bytes, old: bytes, new: bytes) -> bytes:
    """One occurrence replaced, any of them."""
    count = data.count(old)
    if not count:
        return data + new
    parts = data.split(old)
    cut = random.randrange(count) + 1
    return old.join(parts[:cut]) + new + old.join(parts[cut:])
