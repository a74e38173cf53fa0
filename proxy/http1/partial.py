"""A head that is still coming in: where it ends, and whether it can still become one."""

from __future__ import annotations

import re
from typing import Final, Protocol

from proxy.http1.errors import Reason, RequestError
from proxy.http1.request_line import MAX_REQUEST_LINE, check_line_begun, split_request_line

Buffer = bytes | bytearray

_MAX_BLANK_LINES: Final = 2

_BARE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)").search


class HeadLimits(Protocol):
    """What bounds a head; any object with these does."""

    @property
    def max_head(self) -> int:
        """Bytes of a head, with its empty line."""


def skip_blank_lines(buffer: Buffer, start: int = 0) -> int:
    """Where the request begins that was to begin at ``start``: after at most two empty lines (RFC 9112 2.2).

    Worth a call only if ``buffer[start]`` is a CR. Leave the blank lines in the buffer until the head is complete,
    or a client could send them for ever.
    """
    for _ in range(_MAX_BLANK_LINES):
        if not buffer.startswith(b"\r\n", start):
            break
        start += 2
    return start


def head_end(buffer: Buffer, start: int = 0) -> int:
    """The index after the head that begins at or before ``start``, or -1 if its end is not there yet.

    After more bytes have come, ``start`` may be moved to three bytes before them.
    """
    end = buffer.find(b"\r\n\r\n", start)
    return end + 4 if end >= 0 else -1


def check_partial_head(buffer: Buffer, limits: HeadLimits, start: int = 0, *, seen: int = 0) -> None:
    """Raises :class:`RequestError` if the unfinished head from ``start`` on cannot become a good one.

    So the client hears at once of a line that ends in a bare LF, of a bad request line, of a line or head that is too
    long, and of bytes that are not HTTP, such as a TLS hello. The first ``seen`` bytes of the buffer passed before.
    """
    if buffer.startswith((b"\r\n", b"\n"), start):
        raise RequestError(Reason.REQUEST_LINE, "too many empty lines before the request")
    line_end = buffer.find(b"\r\n", start, start + MAX_REQUEST_LINE + 2)
    if line_end < 0:
        check_line_begun(bytes(buffer[start : start + MAX_REQUEST_LINE + 2]))
    elif line_end + 2 > seen:
        split_request_line(bytes(buffer[start:line_end]))
    if _BARE(buffer, max(start, seen - 1)):
        raise RequestError(Reason.LINE_END, "a line of the head does not end with CR LF")
    if len(buffer) - start > limits.max_head:
        raise RequestError(Reason.HEAD_TOO_LONG, "the head is too long")
