"""Bodies on their way through: framed anew, counted, never held back."""

from __future__ import annotations

from proxy.http1.chunked import LAST_CHUNK, ChunkedDecoder, encode_chunk
from proxy.http1.errors import Reason, RequestError, ResponseError
from proxy.http1.framing import CHUNKED, UNTIL_CLOSE


class RequestBody:
    """What a client sends after its head, turned into what the upstream is sent."""

    __slots__ = ("_decoder", "_limit", "_remaining", "_size", "done", "surplus")

    def __init__(self, length: int, limit: int | None) -> None:
        """``limit`` is the largest body in bytes that is let through.

        Raises:
            RequestError: 413, the head announces more than that.
        """
        self._limit = limit
        self._size = 0
        self._decoder = ChunkedDecoder(RequestError) if length == CHUNKED else None
        self._remaining = max(length, 0)
        self.done = length == 0
        self.surplus = b""
        self._check(self._remaining)

    def feed(self, data: bytes) -> bytes:
        """The bytes to send on. What lies beyond the body is left in ``surplus``.

        Raises:
            RequestError: the framing is broken, or the body is larger than allowed.
        """
        if self._decoder is not None:
            return self._feed_chunked(self._decoder, data)
        if len(data) < self._remaining:
            self._remaining -= len(data)
            return data
        end, self._remaining = self._remaining, 0
        self.done = True
        self.surplus = data[end:]
        return data[:end] if self.surplus else data

    def _feed_chunked(self, decoder: ChunkedDecoder, data: bytes) -> bytes:
        pieces = decoder.feed(data)
        self._size += sum(map(len, pieces))
        self._check(self._size)
        out = encode_chunk(pieces) if pieces else b""
        if decoder.done:
            self.done = True
            self.surplus = decoder.surplus
            out += LAST_CHUNK
        return out

    def _check(self, size: int) -> None:
        if self._limit is not None and size > self._limit:
            raise RequestError(Reason.BODY_TOO_LONG, f"the body is larger than {self._limit} bytes")


class ResponseBody:
    """What an upstream sends after its head, turned into what the client is sent."""

    __slots__ = ("_announced", "_chunk", "_decoder", "_remaining", "_until_close", "done", "surplus")

    def __init__(self, length: int, version: int) -> None:
        """``length`` is the upstream's framing; ``version`` is the client's, 10 or 11."""
        self._decoder = ChunkedDecoder(ResponseError) if length == CHUNKED else None
        self._until_close = length == UNTIL_CLOSE
        self._announced = length >= 0
        self._chunk = length < 0 and version == 11
        self._remaining = max(length, 0)
        self.done = length == 0
        self.surplus = False

    def feed(self, data: bytes) -> bytes:
        """The bytes to send on. ``surplus`` tells that the upstream sent more than its answer.

        Raises:
            ResponseError: the framing is broken.
        """
        if self._decoder is not None:
            return self._feed_chunked(self._decoder, data)
        if self._until_close:
            return encode_chunk([data]) if self._chunk and data else data
        if len(data) < self._remaining:
            self._remaining -= len(data)
            return data
        end, self._remaining = self._remaining, 0
        self.done = True
        self.surplus = len(data) > end
        return data[:end] if self.surplus else data

    def end_early(self) -> bytes | None:
        """What makes it look whole though more was to come; ``None`` when the client was told its length."""
        if self._announced:
            return None
        return LAST_CHUNK if self._chunk else b""

    def end(self) -> bytes | None:
        """What is left to send when the upstream has closed; ``None`` when its answer is cut short by that."""
        if not self._until_close:
            return None
        self.done = True
        return LAST_CHUNK if self._chunk else b""

    def _feed_chunked(self, decoder: ChunkedDecoder, data: bytes) -> bytes:
        pieces = decoder.feed(data)
        out = (encode_chunk(pieces) if self._chunk else b"".join(pieces)) if pieces else b""
        if decoder.done:
            self.done = True
            self.surplus = bool(decoder.surplus)
            out += LAST_CHUNK if self._chunk else b""
        return out
