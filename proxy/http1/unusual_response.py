"""The long road through a response head: field by field, for whatever is not ordinary, and for every refusal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from proxy.http1.errors import Reason, ResponseError
from proxy.http1.fields import (
    HOP_BY_HOP,
    Field,
    Meaning,
    connection_options,
    keeps_alive,
    meaning_of,
    split_fields,
)
from proxy.http1.framing import UNTIL_CLOSE, body_length, canonical_length
from proxy.http1.grammar import VALUE_CHARS
from proxy.http1.heads import ResponseHead

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [%b]*)?\r\n" % VALUE_CHARS).match
_START: Final = re.compile(rb"HTTP/1\.[01] [1-5][0-9]{2}[ \r]").match
_EXAMPLE: Final = b"HTTP/1.1 200 "
_STRAY: Final = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|[^\r\n%b]" % VALUE_CHARS).search

MAX_RESPONSE_HEAD: Final = 64 * 1024
"""Bytes that the head of a response may have."""

EVENT_STREAM: Final = b"text/event-stream"
"""The type of server-sent events, which wait for nothing and may go on for hours."""

_KEPT: Final = frozenset({b"set-cookie", b"content-type", b"via", b"x-request-id"})
"""Fields that an upstream cannot have removed by naming them in Connection."""


def read_unusual_response(head: bytes, method: bytes) -> ResponseHead:
    """The same promise as ``read_response``, kept the long way. Raises :class:`ResponseError`."""
    if len(head) > MAX_RESPONSE_HEAD:
        raise ResponseError(Reason.HEAD_TOO_LONG, "the head of the response is too long")
    match = _STATUS_LINE(head)
    if match is None or not head.endswith(b"\r\n\r\n"):
        raise ResponseError(Reason.STATUS_LINE, "the status line is malformed, or of a version that is not spoken here")
    version, status = 10 + int(match[1]), int(match[2])
    fields = split_fields(head, match.end(), ResponseError)
    meaning = meaning_of(fields)
    options = connection_options(meaning, ResponseError)
    declared = body_length(meaning, version, ResponseError)
    length = _length(status, method, declared)
    return ResponseHead(
        raw=head,
        status=status,
        version=version,
        length=length,
        keep_alive=keeps_alive(version, options) and length != UNTIL_CLOSE and status != 101,
        event_stream=any(_is_event_stream(value) for value in meaning.get(b"content-type", ())),
        has_request_id=any(lower == b"x-request-id" for lower, _ in fields),
        upgrade=_upgrade(meaning, options) if status == 101 and version > 10 else b"",
        fields=canonical_length(_end_to_end(fields, options, status), meaning, declared or 0),
    )


def check_partial_response(buffer: bytes, *, seen: int) -> None:
    """Raises :class:`ResponseError` if no more bytes can make this beginning of a head a good one.

    An upstream that speaks something else altogether, or ends its lines with a bare LF, would otherwise be waited for
    until its time is up. The first ``seen`` bytes of the buffer passed before.
    """
    if len(buffer) > MAX_RESPONSE_HEAD:
        raise ResponseError(Reason.HEAD_TOO_LONG, f"the answer's head is larger than {MAX_RESPONSE_HEAD} bytes")
    if seen < len(_EXAMPLE) and not _START(buffer + _EXAMPLE[len(buffer) :]):
        raise ResponseError(Reason.STATUS_LINE, "the answer does not begin like one of HTTP/1")
    if _STRAY(buffer, max(seen - 1, 0)):
        raise ResponseError(Reason.LINE_END, "the answer's head holds a control byte, or a line end that is not CR LF")


def passed_fields(head: ResponseHead) -> list[Field]:
    """The fields that go on to the client, whichever road the head came in on."""
    if head.fields is not None:
        return head.fields
    fields = split_fields(head.raw, head.raw.index(b"\r\n") + 2, ResponseError)
    return _end_to_end(fields, [], head.status)


def _length(status: int, method: bytes, declared: int | None) -> int:
    if status < 200 or status == 204:
        if status == 101 and declared is not None:
            raise ResponseError(Reason.UPGRADE, "101 with a body")
        return 0
    if method == b"HEAD" or status == 304:
        return 0
    return UNTIL_CLOSE if declared is None else declared


def _is_event_stream(content_type: bytes) -> bool:
    return content_type.partition(b";")[0].rstrip(b" \t").lower() == EVENT_STREAM


def _upgrade(meaning: Meaning, options: Sequence[bytes]) -> bytes:
    if b"upgrade" not in options:
        raise ResponseError(Reason.UPGRADE, "101 without Connection: upgrade")
    protocols = meaning.get(b"upgrade", ())
    if len(protocols) != 1:
        raise ResponseError(Reason.UPGRADE, "101 has to name one protocol in one Upgrade field")
    return protocols[0]


def _end_to_end(fields: list[Field], options: list[bytes], status: int) -> list[Field]:
    dropped = (HOP_BY_HOP | {b"transfer-encoding"} | set(options)) - _KEPT
    if status < 200 or status == 204:  # RFC 9110 8.6: no Content-Length where there can be no content
        dropped |= {b"content-length"}
    return [field for field in fields if field[0] not in dropped]
