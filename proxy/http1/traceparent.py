"""Where a request stands in a trace: the fields ``traceparent`` and ``tracestate`` (W3C Trace Context).

A proxy is one hop: it hands on the trace's id and what it knows of the flags, and puts an id of its own in the place of
the sender's. What is not valid counts as absent, and so does a ``tracestate`` without a valid ``traceparent``.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.http1.fields import Field, new_field, value_of

PARENT: Final = b"traceparent"
STATE: Final = b"tracestate"

LONGEST_STATE: Final = 512
"""Bytes of tracestate, all its fields together, that are handed on in any case (3.3.1.5)."""

MOST_MEMBERS: Final = 32
"""Members that a tracestate may have."""

_LONG_MEMBER: Final = 128
"""Members longer than this are the first to go where there is too much."""

_VALUE: Final = re.compile(
    rb"([0-9a-f]{2})-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?"
).fullmatch

_PLAIN: Final = re.compile(
    rb"\r\ntraceparent:[ ]?(00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3])(?=\r\n)"
).match
"""A line as nearly everybody writes it, and not the first, which is Host as a rule."""

_KNOWN_FLAGS: Final = 0b11
"""Sampled, and that the trace's id is random; the others have no meaning yet and are not handed on."""


def read_traceparent(value: bytes) -> bytes:
    """A good value as version 00 writes it, 55 bytes; ``b""`` for any other.

    Of a later version the four parts that this one knows are taken, as the specification asks (3.2.4).
    """
    match = _VALUE(value)
    if match is None:
        return b""
    version, ids, flags, more = match.groups()
    if version == b"ff" or (version == b"00" and more is not None):
        return b""
    return b"00-%b-%02x" % (ids, int(flags, 16) & _KNOWN_FLAGS)


def cut_traceparent(text: bytes) -> tuple[bytes, bytes] | None:
    """From the field lines of a head: the value of a traceparent in the usual form, and the lines without it.

    ``None`` where there is none of that form. There may be others then, or another one besides.
    """
    start = text.find(b"\r\ntraceparent:")
    match = _PLAIN(text, start) if start >= 0 else None
    return None if match is None else (match[1], text[:start] + text[match.end() :])


def take_trace(fields: list[Field]) -> tuple[bytes, list[Field]]:
    """From the fields of a head: a good traceparent or ``b""``, and the fields that go with it to the next hop."""
    parents = [value_of(line) for lower, line in fields if lower == PARENT]
    states = [value_of(line) for lower, line in fields if lower == STATE]
    if not parents and not states:
        return b"", fields
    parent = read_traceparent(parents[0]) if len(parents) == 1 else b""
    if parent and not _is_too_much(states):
        return parent, [field for field in fields if field[0] != PARENT]
    rest = [field for field in fields if field[0] not in (PARENT, STATE)]
    if parent and (kept := bounded_state(states)):
        rest.append(new_field(STATE, kept))
    return parent, rest


def bounded_state(states: list[bytes]) -> bytes:
    """Several values as one within the bounds: long members go first, and then the last ones (3.3.1.5)."""
    members = [member for state in states for each in state.split(b",") if (member := each.strip(b" \t"))]
    if sum(map(len, members)) + len(members) - 1 > LONGEST_STATE:
        members = [member for member in members if len(member) <= _LONG_MEMBER]
    room, kept = LONGEST_STATE + 1, list[bytes]()
    for member in members[:MOST_MEMBERS]:
        room -= len(member) + 1
        if room < 0:
            break
        kept.append(member)
    return b",".join(kept)


def has_room(state: bytes) -> bool:
    """Whether a single tracestate is within the bounds."""
    return len(state) <= LONGEST_STATE and state.count(b",") < MOST_MEMBERS


def _is_too_much(states: list[bytes]) -> bool:
    return bool(states) and not has_room(b",".join(states))
