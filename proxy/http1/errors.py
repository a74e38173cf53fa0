"""What is wrong with a message, whose fault it is, and which status answers it."""

from __future__ import annotations

import enum
from typing import Final


class Reason(enum.StrEnum):
    """Why a message was refused: a fixed set, fit for the label of a metric."""

    NOT_HTTP = "not_http"
    REQUEST_LINE = "request_line"
    STATUS_LINE = "status_line"
    VERSION = "version"
    METHOD_UNKNOWN = "method_unknown"
    METHOD_REFUSED = "method_refused"
    TARGET = "target"
    HOST = "host"
    LINE_END = "line_end"
    FIELD = "field"
    LINE_TOO_LONG = "line_too_long"
    FIELD_TOO_LONG = "field_too_long"
    TOO_MANY_FIELDS = "too_many_fields"
    HEAD_TOO_LONG = "head_too_long"
    CONTENT_LENGTH = "content_length"
    TRANSFER_ENCODING = "transfer_encoding"
    CODING_UNKNOWN = "coding_unknown"
    FRAMING_CONFLICT = "framing_conflict"
    CONTENT_TYPE = "content_type"
    CONNECTION = "connection"
    EXPECT = "expect"
    UPGRADE = "upgrade"
    WEBSOCKET_VERSION = "websocket_version"
    LOOP = "loop"
    PROXY_PROTOCOL = "proxy_protocol"
    CHUNK = "chunk"
    TRAILER = "trailer"
    BODY_TOO_LONG = "body_too_long"
    BODY_TRUNCATED = "body_truncated"
    TIMEOUT = "timeout"
    TOO_MANY_CONNECTIONS = "too_many_connections"


_STATUS: Final = {
    Reason.VERSION: 505,
    Reason.METHOD_UNKNOWN: 501,
    Reason.METHOD_REFUSED: 405,
    Reason.LINE_TOO_LONG: 414,
    Reason.FIELD_TOO_LONG: 431,
    Reason.TOO_MANY_FIELDS: 431,
    Reason.HEAD_TOO_LONG: 431,
    Reason.CODING_UNKNOWN: 501,
    Reason.EXPECT: 417,
    Reason.WEBSOCKET_VERSION: 426,
    Reason.LOOP: 508,
    Reason.BODY_TOO_LONG: 413,
    Reason.TIMEOUT: 408,
    Reason.TOO_MANY_CONNECTIONS: 503,
}
"""How a client's fault is answered, where it is not simply 400."""

ALLOW: Final = b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
"""What an answer says of this proxy itself; an application's own methods are its own business."""

_FIELDS: Final = {
    Reason.METHOD_REFUSED: ALLOW,
    Reason.WEBSOCKET_VERSION: b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
}
"""What an answer has to hold beside its status (RFC 9110 15.5.6 and 15.5.22, RFC 6455 4.4), as lines of a head."""


class WireError(Exception):
    """A message that breaks the rules. After one, nothing more of its connection can be trusted.

    ``reason`` says what is wrong in one word, ``status`` is the answer that the client gets, the text is for people.
    """

    def __init__(self, reason: Reason, message: str, status: int) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status


class RequestError(WireError):
    """The client's fault; the status follows from the reason, and so do the ``fields`` that its answer needs."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message, _STATUS.get(reason, 400))
        self.fields = _FIELDS.get(reason, b"")


class ResponseError(WireError):
    """The upstream's fault; the client gets 502 if nothing was sent yet."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message, 502)


Fault = type[RequestError] | type[ResponseError]
"""Whose fault it is: handed to rules that requests and responses share."""
