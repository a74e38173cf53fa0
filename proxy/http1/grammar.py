"""The characters that messages are made of (RFC 9110 section 5, RFC 9112 sections 2 to 5), as parts of expressions.

Possessive repeats (``*+``) stand on single characters only, where they save time: early versions of CPython 3.11 lose
track of groups inside them. ``(?(n)(?!))`` refuses a second field of a kind; it has to stand before group n opens,
because a group that is open again counts as one that never matched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

TOKEN_CHARS: Final = rb"!#$%&'*+\-.^_`|~0-9A-Za-z"
"""What a token may hold (RFC 9110 5.6.2), to be put in brackets."""

VALUE_CHARS: Final = rb"\t\x20-\x7e\x80-\xff"
"""What a field value may hold (RFC 9110 5.5), to be put in brackets. Bytes above 0x7f pass and mean nothing to us."""

TARGET_CHARS: Final = rb"!-\"$-~"
"""What may stand in a target: more than RFC 3986 allows (browsers send ``|`` and the like), but no fragment."""

TOKEN: Final = re.compile(rb"[%b]+" % TOKEN_CHARS).fullmatch

PRINTABLE: Final = bytes([*range(0x20, 0x7F), *range(0x80, 0x100), 0x09])
"""Everything that a head may hold except its line ends. Deleted from a good head, it leaves CR LF over and over."""

LINE_ENDS: Final = b"\r\n" * 8192
"""What is left of a head once :data:`PRINTABLE` is deleted is a prefix of this, if all of its lines end well."""

ORDINARY_SIZE: Final = 8192
"""Bytes above which a head is not ordinary, so that the short road need not check the limits of single lines."""

MAX_FIELD: Final = 16 * 1024
"""Bytes that one field line may have."""


def either_case(text: bytes) -> bytes:
    """An expression for ``text`` in any case. Sets of two letters: the engine runs them faster than its own flag."""
    letters = (chr(c) for c in text)
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else re.escape(c) for c in letters).encode()


def harmless_field(matters: Iterable[bytes], name_chars: bytes) -> bytes:
    """An expression for one field whose name begins with another letter than any of those that matter.

    It looks at nothing but CR in the value: whatever else must not be in it is found faster by deleting all that may.
    """
    initials = bytes({name[0] for name in matters})
    others = bytes(c for c in range(0x80) if re.match(rb"[%b]" % name_chars, bytes([c])))
    others = others.translate(None, initials.lower() + initials.upper())
    first = b"".join(re.escape(bytes([c])) for c in others)
    return rb"[%b][%b]*+:[^\r]*+\r\n" % (first, name_chars)


def closer_look(matters: Iterable[bytes], name_chars: bytes) -> bytes:
    """An expression for one field that begins like those that matter (given in lower case), but is none of them.

    One branch for each first letter, because the engine passes over a branch at once if its first letter does not fit.
    """
    branches = []
    for initial in sorted({name[:1] for name in matters}):
        rests = b"|".join(either_case(name[1:]) for name in matters if name.startswith(initial))
        branches.append(rb"%b(?!%b)[%b]*+:[^\r]*+\r\n" % (either_case(initial), rests, name_chars))
    return b"|".join(branches)
