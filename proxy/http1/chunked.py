"""The chunked coding (RFC 9112 7.1): taken apart strictly, put together anew.

What is passed on has canonical sizes, no extensions and no trailers, so whatever one parser might read in another way
ends here. Extensions and trailers are checked all the same: a sender that breaks their grammar is not to be trusted.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from typing import Final

from proxy.http1.errors import Fault, Reason
from proxy.http1.grammar import TOKEN_CHARS, VALUE_CHARS

LAST_CHUNK: Final = b"0\r\n\r\n"
"""The end of a chunked body without trailers."""

MAX_EXTENSION: Final = 1024
"""Bytes of extensions that one chunk may have."""

MAX_EXTENSIONS: Final = 16 * 1024
"""Bytes of extensions that a whole body may have: many tiny chunks with large ones are an attack (CVE-2023-39326)."""

MAX_TRAILERS: Final = 32
MAX_TRAILER_BYTES: Final = 8 * 1024

_MAX_LINE: Final = 16 + MAX_EXTENSION + 2

# No blanks, although a sender of old might put some there (RFC 9112 7.1.1): no client does, and parsers differ on them.
_EXTENSION: Final = rb'[%(token)b]+(?:=(?:[%(token)b]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[%(value)b])*"))?' % {
    b"token": TOKEN_CHARS,
    b"value": VALUE_CHARS,
}
_PLAIN_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n").match
_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})((?:;%b)*)" % _EXTENSION).fullmatch
_SIZE_BEGUN: Final = re.compile(rb"[0-9A-Fa-f]{0,16}(?:(?<=[0-9A-Fa-f]);[%b]*)?" % VALUE_CHARS).fullmatch
_TRAILER: Final = re.compile(rb"([%b]+):[%b]*" % (TOKEN_CHARS, VALUE_CHARS)).fullmatch
_FORBIDDEN_TRAILERS: Final = frozenset({b"content-length", b"transfer-encoding", b"host"})


class _Expect(enum.Enum):
    SIZE = enum.auto()
    DATA = enum.auto()
    DATA_END = enum.auto()
    TRAILER = enum.auto()


class ChunkedDecoder:
    """Takes a chunked body apart, in whatever pieces it comes."""

    __slots__ = (
        "_buffer",
        "_expect",
        "_extensions",
        "_fault",
        "_left",
        "_trailer_bytes",
        "_trailers",
        "done",
        "surplus",
    )

    def __init__(self, fault: Fault) -> None:
        """``fault`` is whose fault a broken body is: the error that :meth:`feed` raises."""
        self._fault = fault
        self._buffer = b""
        self._expect = _Expect.SIZE
        self._left = 0
        self._extensions = 0
        self._trailers = 0
        self._trailer_bytes = 0
        self.done = False
        """Whether the last chunk and the trailers have come."""
        self.surplus = b""
        """What came after them."""

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of content in ``data``; none while a chunk's frame is incomplete.

        Raises the given fault for anything outside the grammar or above the limits.
        """
        buffer = self._buffer + data if self._buffer else data
        position, pieces = 0, []
        while not self.done:
            if self._expect is _Expect.DATA:
                piece = buffer[position : position + self._left]
                if not piece:
                    break
                pieces.append(piece)
                position += len(piece)
                self._left -= len(piece)
                if self._left:
                    break
                self._expect = _Expect.DATA_END
            elif (whole := self._whole_chunk(buffer, position)) is not None:
                start, end = whole
                pieces.append(buffer[start:end])
                position = end + 2
            elif (after := self._frame(buffer, position)) < 0:
                break
            else:
                position = after
        if self.done:
            self.surplus, self._buffer = self.surplus + buffer[position:], b""
        else:
            self._buffer = buffer[position:]
        return pieces

    def _whole_chunk(self, buffer: bytes, start: int) -> tuple[int, int] | None:
        """Where the content of a plain chunk is that is there to its end; most are, and small ones come in swarms."""
        match = _PLAIN_SIZE(buffer, start) if self._expect is _Expect.SIZE else None
        if match is None:
            return None
        content = match.end()
        end = content + int(match[1], 16)
        return (content, end) if end > content and buffer.startswith(b"\r\n", end) else None

    def _frame(self, buffer: bytes, start: int) -> int:
        """Read one line of the frame; the index after it, or -1 if it is not all there."""
        if self._expect is _Expect.DATA_END:
            return self._data_end(buffer, start)
        end = buffer.find(b"\r\n", start)
        if end < 0:
            self._check_unfinished(buffer[start:])
            return -1
        if self._expect is _Expect.SIZE:
            self._size(buffer[start:end])
        else:
            self._trailer(buffer[start:end])
        return end + 2

    def _data_end(self, buffer: bytes, start: int) -> int:
        ending = buffer[start : start + 2]
        if not b"\r\n".startswith(ending):
            raise self._fault(Reason.CHUNK, "a chunk is longer than its size")
        if len(ending) < 2:
            return -1
        self._expect = _Expect.SIZE
        return start + 2

    def _size(self, line: bytes) -> None:
        match = _SIZE_LINE(line) if len(line) <= _MAX_LINE else None
        if match is None:
            raise self._fault(Reason.CHUNK, "a chunk's size line is malformed")
        self._extensions += len(match[2])
        if len(match[2]) > MAX_EXTENSION or self._extensions > MAX_EXTENSIONS:
            raise self._fault(Reason.CHUNK, "too many chunk extensions")
        self._left = int(match[1], 16)
        self._expect = _Expect.DATA if self._left else _Expect.TRAILER

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.done = True
            return
        match = _TRAILER(line)
        self._trailers += 1
        self._trailer_bytes += len(line)
        if match is None or match[1].lower() in _FORBIDDEN_TRAILERS:
            raise self._fault(Reason.TRAILER, "a trailer field is malformed, or must not stand in a trailer")
        if self._trailers > MAX_TRAILERS or self._trailer_bytes > MAX_TRAILER_BYTES:
            raise self._fault(Reason.TRAILER, "too many trailer fields")

    def _check_unfinished(self, line: bytes) -> None:
        """A line that will never end well is refused now, not when its buffer is full."""
        reason, limit = (
            (Reason.CHUNK, _MAX_LINE) if self._expect is _Expect.SIZE else (Reason.TRAILER, MAX_TRAILER_BYTES)
        )
        line = line.removesuffix(b"\r")  # the first half of its end may have come
        if len(line) > limit or b"\r" in line or b"\n" in line:
            raise self._fault(reason, "a line of a chunked body's frame does not end")
        if self._expect is _Expect.SIZE and not _SIZE_BEGUN(line):
            raise self._fault(reason, "a chunk's size line is malformed")


def encode_chunk(pieces: Sequence[bytes]) -> bytes:
    """One chunk with all of the pieces, at least one byte together: an empty chunk would end the body."""
    if len(pieces) == 1:
        return b"%x\r\n%b\r\n" % (len(pieces[0]), pieces[0])
    return b"".join((b"%x\r\n" % sum(map(len, pieces)), *pieces, b"\r\n"))
