"""Where a body ends (RFC 9112 6): the one question on which every request smuggling attack turns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from proxy.http1.errors import Fault, Reason
from proxy.http1.fields import Field, Meaning, list_items, new_field

CHUNKED: Final = -1
"""Body length: in chunks, the last of them empty."""

UNTIL_CLOSE: Final = -2
"""Body length: everything until the upstream closes its connection. Responses only."""

_LENGTH: Final = re.compile(rb"[0-9]{1,20}").fullmatch
_MAX_LENGTH: Final = 2**63 - 1
_OTHER_CODINGS: Final = frozenset({b"gzip", b"x-gzip", b"deflate", b"compress", b"x-compress"})


def body_length(meaning: Meaning, version: int, fault: Fault) -> int | None:
    """The length that the fields declare: bytes, :data:`CHUNKED`, or ``None`` where they declare none.

    Raises ``fault`` for whatever two parsers might read in two ways: both kinds of framing, a repeated or odd
    Content-Length, any coding but exactly ``chunked``, chunks in HTTP/1.0.
    """
    lengths = meaning.get(b"content-length", ())
    codings = meaning.get(b"transfer-encoding", ())
    if codings:
        if lengths:
            raise fault(Reason.FRAMING_CONFLICT, "both Content-Length and Transfer-Encoding")
        if version < 11:
            raise fault(Reason.TRANSFER_ENCODING, "Transfer-Encoding in HTTP/1.0")
        return _chunked(codings, fault)
    if not lengths:
        return None
    if len(lengths) > 1:
        raise fault(Reason.CONTENT_LENGTH, "several Content-Length fields")
    return _content_length(lengths[0], fault)


def canonical_length(fields: list[Field], meaning: Meaning, length: int) -> list[Field]:
    """The fields with their framing in the one form that no parser reads in another way: ``5``, never ``0005``."""
    if b"content-length" in meaning:
        name, canonical = b"content-length", b"%d" % length
    elif b"transfer-encoding" in meaning:
        name, canonical = b"transfer-encoding", b"chunked"
    else:
        return fields
    return [new_field(line.partition(b":")[0], canonical) if lower == name else (lower, line) for lower, line in fields]


def _content_length(value: bytes, fault: Fault) -> int:
    if not _LENGTH(value) or int(value) > _MAX_LENGTH:
        raise fault(Reason.CONTENT_LENGTH, "Content-Length is not a plain number")
    return int(value)


def _chunked(codings: Sequence[bytes], fault: Fault) -> int:
    if len(codings) == 1 and codings[0].lower() == b"chunked":
        return CHUNKED
    *others, last = [item.lower() for item in list_items(codings)] or [b""]
    if others and last == b"chunked" and _OTHER_CODINGS.issuperset(others):
        raise fault(Reason.CODING_UNKNOWN, "the only transfer coding understood here is chunked")
    raise fault(Reason.TRANSFER_ENCODING, "Transfer-Encoding is not exactly chunked")
