"""A second opinion on HTTP/1.1: reads messages strictly and plainly, and shares no code with the front door.

It is the judge of what upstreams and clients are sent, so it knows nothing but the grammar of RFC 9112, and leaves
nothing out of it: no line folding, no chunk extensions, no trailers, one framing field, one Host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(%b) ([!-~]+) HTTP/1\.1" % _TOKEN)
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [\t\x20-\x7e\x80-\xff]*")
_FIELD = re.compile(
    rb"(%b):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*" % _TOKEN
)
_NUMBER = re.compile(rb"0|[1-9][0-9]{0,18}")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")


class BrokenMessageError(Exception):
    """These bytes are no strict HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Message:
    """A whole request or answer."""

    start: bytes
    """The first line, without its end."""
    fields: tuple[tuple[bytes, bytes], ...]
    """Names in lower case and values without the blanks around them, in the order of their lines."""
    lines: tuple[bytes, ...]
    """The same fields as they were sent, without their line ends."""
    body: bytes
    """The content: what was in the chunks, if there were any."""
    raw: bytes
    """All of it, as it came."""

    def values(self, name: bytes) -> list[bytes]:
        """Every value of a field, whose name is given in lower case."""
        return [value for lower, value in self.fields if lower == name]

    @property
    def method(self) -> bytes:
        """Of a request."""
        return self.start.split(b" ")[0]

    @property
    def target(self) -> bytes:
        """Of a request."""
        return self.start.split(b" ")[1]

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.start.split(b" ")[1])


@dataclass(frozen=True, slots=True)
class _Head:
    start: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    lines: tuple[bytes, ...]
    size: int

    def values(self, name: bytes) -> list[bytes]:
        return [value for lower, value in self.fields if lower == name]

    def whole(self, body: bytes, raw: bytes) -> Message:
        return Message(self.start, self.fields, self.lines, body, raw)


def has_head(data: bytes) -> bool:
    """Whether a whole head is there."""
    return b"\r\n\r\n" in data


def take_request(data: bytes) -> Message | None:
    """The request with which ``data`` begins; ``None`` when it is not all there.

    Raises:
        BrokenMessageError: it is outside the grammar, or what is there of it already is.
    """
    head = _take_head(data)
    if head is None:
        return None
    if not _REQUEST_LINE.fullmatch(head.start):
        raise BrokenMessageError(f"request line {head.start!r}")
    if len(head.values(b"host")) != 1:
        raise BrokenMessageError(f"Host fields: {head.values(b'host')}")
    framing = _framing(head)
    return _take_body(data, head, 0 if framing is None else framing)


def take_answer(data: bytes, method: bytes, *, ended: bool) -> Message | None:
    """The answer to a request of this method with which ``data`` begins; ``None`` when it is not all there.

    Args:
        data: what came so far.
        method: a HEAD has no body in its answer.
        ended: nothing more will come, in an orderly way; that is the end of a body without any other.

    Raises:
        BrokenMessageError: it is outside the grammar.
    """
    head = _take_head(data)
    if head is None:
        return None
    if not _STATUS_LINE.fullmatch(head.start):
        raise BrokenMessageError(f"status line {head.start!r}")
    status = int(head.start[9:12])
    framing = _framing(head)
    if status < 200 or status == 204:
        if framing is not None:
            raise BrokenMessageError(f"{status} with a body's length")
        return _take_body(data, head, 0)
    if method == b"HEAD" or status == 304:
        return _take_body(data, head, 0)
    if framing is not None:
        return _take_body(data, head, framing)
    return head.whole(data[head.size :], data) if ended else None


_CHUNKED = -1


def _take_head(data: bytes) -> _Head | None:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    start, *lines = data[:end].split(b"\r\n")
    fields = []
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise BrokenMessageError(f"field line {line!r}")
        fields.append((match[1].lower(), match[2]))
    return _Head(start, tuple(fields), tuple(lines), end + 4)


def _framing(head: _Head) -> int | None:
    lengths, codings = head.values(b"content-length"), head.values(b"transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise BrokenMessageError(f"framed several times: {lengths} {codings}")
    if lengths:
        if not _NUMBER.fullmatch(lengths[0]):
            raise BrokenMessageError(f"Content-Length {lengths[0]!r}")
        return int(lengths[0])
    if codings:
        if codings != [b"chunked"]:
            raise BrokenMessageError(f"Transfer-Encoding {codings[0]!r}")
        return _CHUNKED
    return None


def _take_body(data: bytes, head: _Head, length: int) -> Message | None:
    if length != _CHUNKED:
        end = head.size + length
        return head.whole(data[head.size : end], data[:end]) if len(data) >= end else None
    content, position = bytearray(), head.size
    while (line_end := data.find(b"\r\n", position)) >= 0:
        size_line = data[position:line_end]
        if not _CHUNK_SIZE.fullmatch(size_line):
            raise BrokenMessageError(f"chunk size {size_line!r}")
        size, position = int(size_line, 16), line_end + 2
        ending = data[position + size : position + size + 2]
        if not b"\r\n".startswith(ending):
            raise BrokenMessageError(f"{ending!r} at the end of a chunk, or a trailer")
        if len(ending) < 2:
            return None
        content += data[position : position + size]
        position += size + 2
        if size == 0:
            return head.whole(bytes(content), data[:position])
    return None
