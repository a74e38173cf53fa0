"""Responses: reading a head and handing it on, on the short road where it is ordinary."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from proxy.http1.errors import Reason, ResponseError
from proxy.http1.fields import VIA, join_fields, new_field
from proxy.http1.framing import CHUNKED, UNTIL_CLOSE
from proxy.http1.grammar import (
    LINE_ENDS,
    ORDINARY_SIZE,
    PRINTABLE,
    TOKEN_CHARS,
    closer_look,
    either_case,
    harmless_field,
)
from proxy.http1.heads import ResponseHead
from proxy.http1.recent import Recent
from proxy.http1.unusual_response import (
    EVENT_STREAM,
    MAX_RESPONSE_HEAD,
    check_partial_response,
    passed_fields,
    read_unusual_response,
)

__all__ = [
    "MAX_RESPONSE_HEAD",
    "ResponseHead",
    "check_partial_response",
    "forward_response",
    "read_response",
    "refuse_unasked_switch",
]

# An ordinary head is HTTP/1.1, final, and holds nothing that this proxy has to act on except these.
_MATTERS: Final = (
    b"connection",
    b"content-le",
    b"content-ty",
    b"http2-",
    b"keep-alive",
    b"proxy",
    b"te:",
    b"trailer",
    b"transfer-",
    b"upgrade:",
    b"x-request-id",
)

_ORDINARY: Final = re.compile(
    rb"""(?x)
    HTTP/1\.1\ ([2-5][0-9]{2})\ [^\r]*+\r\n
    (?: %(harmless)b
      | %(content_length)b:(?(2)(?!))[ ]*+(0|[1-9][0-9]{0,17})\r\n
      | %(content_type)b:[ \t]*+(?:(%(event_stream)b)[ \t]*+(?=[;\r]))?[^\r]*+\r\n
      | %(transfer_encoding)b:(?(4)(?!))[ ]*+(%(chunked)b)\r\n
      | (%(connection)b:(?(6)(?!))[ ]*+(%(keep_alive)b)\r\n(?:%(keep_alive)b:[^\r]*+\r\n)?)
      | (%(request_id)b):[^\r]*+\r\n
      | %(closer_look)b
    )*
    \r\n"""
    % {
        b"harmless": harmless_field(_MATTERS, TOKEN_CHARS),
        b"closer_look": closer_look(_MATTERS, TOKEN_CHARS),
        b"content_length": either_case(b"content-length"),
        b"content_type": either_case(b"content-type"),
        b"event_stream": either_case(EVENT_STREAM),
        b"transfer_encoding": either_case(b"transfer-encoding"),
        b"chunked": either_case(b"chunked"),
        b"connection": either_case(b"connection"),
        b"keep_alive": either_case(b"keep-alive"),
        b"request_id": either_case(b"x-request-id"),
    }
).fullmatch

_VIA: Final = b"Via: 1.1 %b\r\n" % VIA


def read_response(head: bytes, *, method: bytes, recent: Recent[ResponseHead] | None = None) -> ResponseHead:
    """The response that a whole head begins, from its status line through its empty line.

    ``method`` is the request's: the answer to HEAD has no body, whatever its head says (RFC 9112 6.3). ``recent`` are
    those that were read before. Raises :class:`ResponseError` for every head that is not strictly within RFC 9112.
    """
    if recent is None or method == b"HEAD":
        return _read(head, method)
    known = recent.find(head)
    if known is None:
        known = _read(head, method)
        if known.fields is None:  # else it was no ordinary one
            recent.keep(head, known)
    return known


def _read(head: bytes, method: bytes) -> ResponseHead:
    if len(head) > ORDINARY_SIZE:
        return read_unusual_response(head, method)
    match = _ORDINARY(head)
    if match is None or not LINE_ENDS.startswith(head.translate(None, PRINTABLE)):
        return read_unusual_response(head, method)
    status, length, event_stream, chunked, connection, _, request_id = match.groups()
    bodiless = method == b"HEAD" or status == b"304"
    if status == b"204" or (chunked is not None and (length is not None or bodiless)):
        return read_unusual_response(head, method)
    if bodiless:
        size = 0
    elif chunked is not None:
        size = CHUNKED
    else:
        size = int(length) if length is not None else UNTIL_CLOSE
    start, end = match.span(5) if connection is not None else (0, 0)
    return ResponseHead(
        head,
        int(status),
        11,
        size,
        size != UNTIL_CLOSE,
        event_stream is not None,
        request_id is not None,
        head[:start] + head[end:-2] + _VIA,
        b"\ndate:" in head.lower(),
    )


def forward_response(
    head: ResponseHead, *, version: int, keep_alive: bool, request_id: bytes, date: Callable[[], bytes]
) -> bytes:
    """The head for the client: hop-by-hop fields gone, what this hop knows at the end. Interim heads too.

    ``version`` is the client's, 10 or 11; ``keep_alive`` is whether its connection stays open, which it is told. A body
    whose end is not known is announced as chunked to a client of HTTP/1.1, and has no framing but the close for an
    older one. ``date`` gives the value for a final head that came without Date (RFC 9110 6.6.1). Raises ``ValueError``
    if an older client's connection is to be kept although only its close can end the body.
    """
    if version < 11 and head.length < 0 and keep_alive:
        raise ValueError("only the close can end this body")
    if head.fields is not None or version < 11:
        return _rebuild(head, version=version, keep_alive=keep_alive, request_id=request_id, date=date)
    return b"".join(
        (
            head.passed,
            b"" if head.dated else b"Date: %b\r\n" % date(),
            b"Transfer-Encoding: chunked\r\n" if head.length == UNTIL_CLOSE else b"",
            b"" if keep_alive else b"Connection: close\r\n",
            b"\r\n" if head.has_request_id else b"X-Request-Id: %b\r\n\r\n" % request_id,
        )
    )


def _rebuild(
    head: ResponseHead, *, version: int, keep_alive: bool, request_id: bytes, date: Callable[[], bytes]
) -> bytes:
    fields = [*passed_fields(head), new_field(b"Via", b"1.%d %b" % (head.version - 10, VIA))]
    if head.status >= 200 and all(lower != b"date" for lower, _ in fields):
        fields.append(new_field(b"Date", date()))
    if head.status == 101:
        fields += [new_field(b"Connection", b"upgrade"), new_field(b"Upgrade", head.upgrade)]
    elif head.status >= 200:
        if head.length < 0 and version >= 11:
            fields.append(new_field(b"Transfer-Encoding", b"chunked"))
        if not keep_alive:
            fields.append(new_field(b"Connection", b"close"))
        elif version < 11:
            fields.append(new_field(b"Connection", b"keep-alive"))
    if (head.status >= 200 or head.status == 101) and not head.has_request_id:
        fields.append(new_field(b"X-Request-Id", request_id))
    return join_fields(_status_line(head.raw), fields)


def _status_line(raw: bytes) -> bytes:
    """The line as it came, but of this proxy's version (RFC 9110 2.5) and with the space that the grammar asks for."""
    line = b"HTTP/1.1" + raw[8 : raw.index(b"\r\n")]
    return line if len(line) > 12 else line + b" "


def refuse_unasked_switch(head: ResponseHead, asked: bytes) -> None:
    """Raises :class:`ResponseError` unless a 101 switches to what was asked for (RFC 9110 7.8)."""
    offered = {protocol.strip(b" \t").lower() for protocol in asked.split(b",")}
    if not asked or head.upgrade.lower() not in offered:
        raise ResponseError(Reason.UPGRADE, "101 to a protocol that was not asked for")
