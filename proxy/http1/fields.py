"""Header fields, one at a time: what the long road through a head works on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from proxy.http1.errors import Fault, Reason, WireError
from proxy.http1.grammar import MAX_FIELD, TOKEN, TOKEN_CHARS, VALUE_CHARS

Field = tuple[bytes, bytes]
"""A field: its name in lower case, and its whole line as it came, without the line's end."""

Meaning = Mapping[bytes, Sequence[bytes]]
"""The values of those fields on which this proxy acts, by lower-case name, in the order of their lines."""

VIA: Final = b"bluegreen"
"""The name that this proxy adds to Via (RFC 9110 7.6.3)."""

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"upgrade",
        b"http2-settings",
    }
)
"""Fields that end with the connection they came on (RFC 9110 7.6.1). Transfer-Encoding is dealt with as framing."""

_MEANINGFUL: Final = frozenset(
    {
        b"connection",
        b"content-length",
        b"content-type",
        b"expect",
        b"host",
        b"sec-websocket-version",
        b"transfer-encoding",
        b"upgrade",
        b"via",
    }
)

_FRAMING: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})
"""What Connection must not name: with one of these removed, the next server would read another message."""

_FIELD: Final = re.compile(rb"[%b]+:[%b]*" % (TOKEN_CHARS, VALUE_CHARS)).fullmatch
_FIELDS: Final = re.compile(rb"(?:[%b]++:[%b]*+\r\n)*\r\n" % (TOKEN_CHARS, VALUE_CHARS)).fullmatch


def split_fields(head: bytes, start: int, fault: Fault) -> list[Field]:
    """The fields of a head, in order; ``start`` is where the first of them begins.

    Raises ``fault`` for anything outside the grammar of RFC 9112 5, folded lines among it, and for a line above 16 KiB.
    """
    lines = head[start:-4].split(b"\r\n") if len(head) > start + 4 else []
    if len(head) > MAX_FIELD and any(len(line) > MAX_FIELD for line in lines):
        raise fault(Reason.FIELD_TOO_LONG, "a header field is too long")
    if not _FIELDS(head, start):
        raise _bad_field(lines, fault)
    return [(line.partition(b":")[0].lower(), line) for line in lines]


def _bad_field(lines: Sequence[bytes], fault: Fault) -> WireError:
    line = next((line for line in lines if not _FIELD(line)), b"")
    if b"\r" in line or b"\n" in line:
        return fault(Reason.LINE_END, "a line of the head does not end with CR LF")
    if line[:1] in (b" ", b"\t"):
        return fault(Reason.FIELD, "a header field is folded over several lines")
    return fault(Reason.FIELD, "a header field is malformed")


def value_of(line: bytes) -> bytes:
    """The value in a field line, without the blanks around it."""
    return line.partition(b":")[2].strip(b" \t")


def meaning_of(fields: Iterable[Field]) -> Meaning:
    """The values of the fields that matter to framing, routing and the connection."""
    found: dict[bytes, list[bytes]] = {}
    for lower, line in fields:
        if lower in _MEANINGFUL:
            found.setdefault(lower, []).append(value_of(line))
    return found


def join_fields(start_line: bytes, fields: Iterable[Field]) -> bytes:
    """A whole head: the start line, the fields, and the empty line."""
    return b"\r\n".join([start_line, *[line for _, line in fields], b"\r\n"])


def new_field(name: bytes, value: bytes) -> Field:
    """A field of our own."""
    return name.lower(), b"%b: %b" % (name, value)


def list_items(values: Iterable[bytes]) -> list[bytes]:
    """The elements of a comma-separated field, over all its lines; empty ones do not count (RFC 9110 5.6.1)."""
    items = (item.strip(b" \t") for value in values for item in value.split(b","))
    return [item for item in items if item]


def connection_options(meaning: Meaning, fault: Fault) -> list[bytes]:
    """What Connection asks for, in lower case (RFC 9110 7.6.1).

    Raises ``fault`` where it names a field on which framing or routing depends, or holds something that is no token.
    """
    options = [item.lower() for item in list_items(meaning.get(b"connection", ()))]
    for option in options:
        if option in _FRAMING:
            raise fault(Reason.CONNECTION, f"Connection must not name {option.decode()}")
        if not TOKEN(option):
            raise fault(Reason.CONNECTION, "Connection holds something that is not a token")
    return options


def keeps_alive(version: int, options: Sequence[bytes]) -> bool:
    """Whether the sender goes on using its connection (RFC 9112 9.3)."""
    return b"close" not in options and (version >= 11 or b"keep-alive" in options)
