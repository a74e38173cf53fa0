"""Requests: reading a head, on the short road where it is ordinary."""

from __future__ import annotations

import re
from typing import Final

from proxy.http1.forwarding import Forwarding, client_address, client_request_id, client_scheme, forward_request
from proxy.http1.grammar import (
    LINE_ENDS,
    ORDINARY_SIZE,
    PRINTABLE,
    TOKEN_CHARS,
    closer_look,
    either_case,
    harmless_field,
)
from proxy.http1.heads import RequestFields, RequestHead
from proxy.http1.partial import HeadLimits, check_partial_head, head_end, skip_blank_lines
from proxy.http1.recent import Recent
from proxy.http1.request_line import METHODS
from proxy.http1.traceparent import cut_traceparent, has_room
from proxy.http1.unusual_request import read_unusual

__all__ = [
    "Forwarding",
    "HeadLimits",
    "RequestHead",
    "check_partial_head",
    "client_address",
    "client_request_id",
    "client_scheme",
    "forward_request",
    "head_end",
    "read_request",
    "skip_blank_lines",
]

# An ordinary head is HTTP/1.1 in origin-form, with one plain Host, and with nothing in it that this proxy has to act on
# except Content-Length, one Content-Type, a plain Connection, and one place in a trace in the form that tracers write.
# Too much may count as unusual, never too little.
_MATTERS: Final = (
    b"connection",
    b"content-le",
    b"content-ty",
    b"expect",
    b"forwarded",
    b"host:",
    b"http2-",
    b"keep-alive",
    b"proxy",
    b"te:",
    b"traceparent",
    b"tracestate",
    b"trailer",
    b"transfer-",
    b"upgrade:",
    b"via:",
    b"x-bluegreen-",
    b"x-forwarded-",
    b"x-real-ip",
    b"x-request-id",
)

_LINE: Final = re.compile(rb"""(?x) ([A-Z]++)\ ((/[!-\"$->@-\[\]-~]*+)(?:\?[!-\"$-~]*+)?)\ HTTP/1\.1\r\n""").match

_FIELDS: Final = re.compile(
    rb"""(?x)
    (?: %(harmless)b
      | %(host)b:(?(1)(?!))[ ]*+(([A-Za-z0-9.\-]++)(?::[1-5]?[0-9]{1,4})?)\r\n
      | (%(connection)b:(?(4)(?!))[ ]*+(%(keep_alive)b|%(close)b)\r\n)
      | %(content_length)b:(?(5)(?!))[ ]*+(0|[1-9][0-9]{0,17})\r\n
      | %(content_type)b(?(6)(?!))(:)[^\r]*+\r\n
      | %(state)b:(?(7)(?!))[ ]*+([^\r]*+)\r\n
      | %(closer_look)b
    )*
    \r\n"""
    % {
        b"harmless": harmless_field(_MATTERS, TOKEN_CHARS.replace(b"_", b"")),
        b"closer_look": closer_look(_MATTERS, TOKEN_CHARS.replace(b"_", b"")),
        b"host": either_case(b"host"),
        b"content_length": either_case(b"content-length"),
        b"content_type": either_case(b"content-type"),
        b"connection": either_case(b"connection"),
        b"keep_alive": either_case(b"keep-alive"),
        b"close": either_case(b"close"),
        b"state": either_case(b"tracestate"),
    }
).fullmatch


_ORDINARY_METHODS: Final = METHODS - {b"OPTIONS"}


def _ordinary_options(method: bytes, head: bytes) -> bool:
    """Only with this method Max-Forwards has a meaning; looked for here it costs the others nothing."""
    return method == b"OPTIONS" and b"\nmax-forwards" not in head.lower()


def read_request(head: bytes, *, max_headers: int, recent: Recent[RequestFields] | None = None) -> RequestHead:
    """The request that a whole head asks for, from its first line through its empty line.

    ``max_headers`` is the number of fields that it may have; ``recent`` are the fields that were read before. Raises
    :class:`RequestError` for every head that is not strictly within RFC 9112, and for what this proxy does not do.
    """
    line = _LINE(head) if len(head) <= ORDINARY_SIZE else None
    if line is None:
        return read_unusual(head, max_headers)
    text = head[line.end() :]
    fields = recent.find(text) if recent is not None else None
    traceparent = b""
    if fields is None:
        if (traced := cut_traceparent(text)) is not None:  # no two requests have the same, so it is not remembered
            traceparent, text = traced
            fields = recent.find(text) if recent is not None else None
        if fields is None:
            fields = _read_fields(text)
            if fields is not None and recent is not None:
                recent.keep(text, fields)
    method, target, path = line.groups()
    if (
        fields is None
        or fields.count + (traceparent != b"") > max_headers
        or (fields.traced and not traceparent)
        or (method not in _ORDINARY_METHODS and not _ordinary_options(method, head))
    ):
        return read_unusual(head, max_headers)
    return RequestHead(
        head,
        method,
        target,
        path,
        11,
        fields.authority,
        fields.host,
        fields.length,
        fields.keep_alive,
        fields.passed,
        traceparent=traceparent,
    )


def _read_fields(text: bytes) -> RequestFields | None:
    """What field lines say that end with the empty line; ``None`` where they are not ordinary."""
    match = _FIELDS(text)
    line_ends = text.translate(None, PRINTABLE)
    if match is None or not LINE_ENDS.startswith(line_ends):
        return None
    authority, host, connection, option, length, _, state = match.groups()
    if authority is None or (state is not None and not has_room(state)):
        return None
    start, end = match.span(3) if connection else (0, 0)
    return RequestFields(
        authority,
        host.lower(),
        int(length) if length else 0,
        option is None or len(option) != 5,
        text[:start] + text[end:-2],
        len(line_ends) // 2 - 1,
        state is not None,
    )
