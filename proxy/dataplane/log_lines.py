"""How a line of the access log is written: values in, bytes out.

A line is one ``%`` of a template. That is safe for nearly all that clients send; what is not has each of its values
escaped first, and cut where it is long, so that a line fits into one write to a pipe. What stays the same for an
upstream is written once, when the upstream is met.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from json import dumps
from typing import Final

Said = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]
"""What clients have a say in: the client's address, method, host, target, user agent, referer, request id and trace id.
Any bytes will do.
"""

Spans = tuple[float, float, float, float, float]
"""Seconds: from the complete head to the end; until it was given a place; for the connection; from the request being
sent to the head of the answer; being held. ``ABSENT``, or anything below 0: that never came.
"""

ABSENT: Final = -1.0
"""How long something took that did not happen."""

Place = tuple[bytes, bool, int, str]
"""Where it was served: the part that its upstream has ready, whether a tester asked for that, the generation of the
table, and the operation that moved the traffic.
"""

LineFormat = Callable[[float, Said, int, int, int, int, Spans, Place, int, str], bytes]
"""Makes a line of: the time in Unix seconds, what the client said, the HTTP version (10 or 11), the status, the bytes
received and sent, the times, the place, how many attempts it took, and how it ended.
"""

LONGEST_SAID: Final = 2900
"""Bytes of all that a client said that a line has room for as it is."""

_BOUNDS: Final = (64, 64, 256, 1500, 320, 320, 128, 64)
"""Bytes of each that are left when it is more, or has to be escaped; in the order of ``Said``."""

_CUT: Final = b"..."

_HARMLESS: Final = bytes(set(range(0x20, 0x7F)) - set(b'"\\'))
"""What cannot end a quoted part of a line, or the line, nor make a terminal do something."""

_JSON: Final = (
    b'{"ts":"%b.%03dZ","event":"request","client":"%b","method":"%b","host":"%b","target":"%b","user_agent":"%b",'
    b'"referer":"%b","request_id":"%b","trace_id":"%b","protocol":"HTTP/1.%d","status":%d,"received":%d,"sent":%d,'
    b'"seconds":%b,"queue":%b,"connect":%b,"first_byte":%b,"held":%b,%b,"preview":%b,"generation":%d,'
    b'"operation":"%b","attempts":%d,"outcome":"%b"}\n'
)
_COMBINED: Final = b'%b - %b [%b] "%b %b HTTP/1.%d" %d %d "%b" "%b"\n'


def place(service: str, color: str, upstream: str) -> bytes:
    """The part of a JSON line that is the same for all requests that one upstream answers."""
    return dumps({"service": service, "color": color, "upstream": upstream}, separators=(",", ":")).encode()[1:-1]


NOWHERE: Final[Place] = (place("", "", ""), False, 0, "")
"""The place of a request that was given to no upstream."""

AT_ONCE: Final[Spans] = (0.0, ABSENT, ABSENT, ABSENT, ABSENT)
"""The times of what could not be read as a request."""


def json_line(
    now: float,
    said: Said,
    version: int,
    status: int,
    received: int,
    sent: int,
    spans: Spans,
    place: Place,
    attempts: int,
    outcome: str,
) -> bytes:
    """One JSON object; bytes that are no ASCII stand in it as the characters of Latin-1."""
    if not _plain(said):
        said = _each(_json_escaped, said)
    milliseconds = int(now * 1000)
    total, queue, connect, first_byte, held = spans
    upstream, preview, generation, operation = place
    return _JSON % (
        _iso(milliseconds // 1000),
        milliseconds % 1000,
        *said,
        version - 10,
        status,
        received,
        sent,
        _seconds(total),
        _seconds(queue),
        _seconds(connect),
        _seconds(first_byte),
        _seconds(held),
        upstream,
        b"true" if preview else b"false",
        generation,
        operation.encode(),
        attempts,
        outcome.encode(),
    )


def combined_line(
    now: float,
    said: Said,
    version: int,
    status: int,
    received: int,
    sent: int,
    spans: Spans,
    place: Place,
    attempts: int,
    outcome: str,
) -> bytes:
    """Apache's combined format. A tester's user is preview."""
    if not _plain(said):
        said = _each(_combined_escaped, said)
    client, method, _, target, agent, referer, _, _ = said
    user = b"preview" if place[1] else b"-"
    stamp = _stamp(int(now))
    return _COMBINED % (
        client or b"-",
        user,
        stamp,
        method,
        target,
        version - 10,
        status,
        sent,
        referer or b"-",
        agent or b"-",
    )


def _plain(said: Said) -> bool:
    everything = b"".join(said)
    return len(everything) <= LONGEST_SAID and not everything.translate(None, _HARMLESS)


def _each(escaped: Callable[[bytes], bytes], said: Said) -> Said:
    client, method, host, target, agent, referer, request_id, trace_id = map(
        lambda value, bound: _bounded(escaped, value, bound), said, _BOUNDS
    )
    return client, method, host, target, agent, referer, request_id, trace_id


def _bounded(escaped: Callable[[bytes], bytes], value: bytes, bound: int) -> bytes:
    """The value escaped, in at most so many bytes; what was cut off it shows as dots."""
    if len(value) <= bound and len(written := escaped(value)) <= bound:
        return written
    start = value[: bound - len(_CUT)]
    while len(written := escaped(start) + _CUT) > bound:  # an escape is never cut in two
        start = start[: len(start) * 3 // 4]
    return written


def _json_escaped(value: bytes) -> bytes:
    return dumps(value.decode("latin-1")).encode()[1:-1].replace(b"\x7f", b"\\u007f")


def _combined_escaped(value: bytes) -> bytes:
    return b"".join(_HEX[byte] for byte in value)


_HEX: Final = tuple(bytes((byte,)) if byte in _HARMLESS else b"\\x%02x" % byte for byte in range(256))


def _seconds(value: float) -> bytes:
    if value > 0.0:
        return b"%.6f" % value
    return b"null" if value < 0.0 else b"0"


@lru_cache(maxsize=1)
def _iso(second: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()


@lru_cache(maxsize=1)
def _stamp(second: int) -> bytes:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second)).encode()
