"""How a line of the access log is written: values in, bytes out.

A line is one ``%`` of a template. That is safe for nearly all that clients send; what is not has each of its values
escaped first. What stays the same for an upstream is written once, when the upstream is met.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import lru_cache
from json import dumps
from typing import Final

Said = tuple[bytes, bytes, bytes, bytes, bytes]
"""What clients have a say in: the client's address, method, host, target and request id. Any bytes will do."""

LineFormat = Callable[[float, Said, int, int, int, float, bytes, int, str], bytes]
"""Makes a line of: the time in Unix seconds, what the client said, the HTTP version (10 or 11), the status, the bytes
sent, how many seconds it took, the place, how many attempts it took, and how it ended.
"""

_HARMLESS: Final = re.compile(rb"[ !#-\[\]-~]*").fullmatch
_UNSAFE: Final = re.compile(rb"[^ !#-\[\]-~]")
"""What could end a quoted part of a line, or the line, or make a terminal do something."""

_JSON: Final = (
    b'{"ts":%.3f,"client":"%b","method":"%b","host":"%b","target":"%b","request_id":"%b","status":%d,"sent":%d,'
    b'"seconds":%.6f,%b,"attempts":%d,"outcome":"%b"}\n'
)
_COMBINED: Final = b'%b - %b [%b] "%b %b HTTP/1.%d" %d %d "-" "-"\n'


def place(service: str, color: str, upstream: str) -> bytes:
    """The part of a JSON line that is the same for all requests that one upstream answers."""
    return dumps({"service": service, "color": color, "upstream": upstream}, separators=(",", ":")).encode()[1:-1]


NOWHERE: Final = place("", "", "")
"""The place of a request that was given to no upstream."""


PREVIEWED: Final = b',"preview":true'
"""What is added to the place of a tester's request."""


def json_line(
    now: float,
    said: Said,
    version: int,
    status: int,
    sent: int,
    seconds: float,
    place: bytes,
    attempts: int,
    outcome: str,
) -> bytes:
    """One JSON object; bytes that are no ASCII stand in it as the characters of Latin-1."""
    if not _HARMLESS(b"".join(said)):
        said = _each(_json_escaped, said)
    return _JSON % (now, *said, status, sent, seconds, place, attempts, outcome.encode())


def combined_line(
    now: float,
    said: Said,
    version: int,
    status: int,
    sent: int,
    seconds: float,
    place: bytes,
    attempts: int,
    outcome: str,
) -> bytes:
    """Apache's combined format; the two last fields, which we do not read, stay empty. A tester's user is preview."""
    if not _HARMLESS(b"".join(said)):
        said = _each(_combined_escaped, said)
    client, method, _, target, _ = said
    user = b"preview" if place.endswith(PREVIEWED) else b"-"
    return _COMBINED % (client or b"-", user, _stamp(int(now)), method, target, version - 10, status, sent)


def _each(escaped: Callable[[bytes], bytes], said: Said) -> Said:
    client, method, host, target, request_id = said
    return escaped(client), escaped(method), escaped(host), escaped(target), escaped(request_id)


def _json_escaped(value: bytes) -> bytes:
    return dumps(value.decode("latin-1")).encode()[1:-1]


def _combined_escaped(value: bytes) -> bytes:
    return _UNSAFE.sub(lambda unsafe: b"\\x%02x" % unsafe[0][0], value)


@lru_cache(maxsize=1)
def _stamp(second: int) -> bytes:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second)).encode()
