"""WebSocket frames, as far as a tunnel has to know them: where they end, and how to say goodbye (RFC 6455).

A frame may be put between two others, and never into one. So whoever wants to add a frame of its own has to know, at
each moment, whether what has passed so far ended with a whole frame, and better still with a whole message. Payload is
counted, not looked at.
"""

from __future__ import annotations

from typing import Final

GOING_AWAY: Final = 1001
"""Status code of a close frame: an endpoint goes away, such as a server that stops (RFC 6455 section 7.4.1)."""

_MASKED: Final = 0x80
_FINAL: Final = 0x80
_CONTROL: Final = 0x08
_OPCODE: Final = 0x0F
_CLOSE: Final = 0x08
_LENGTH_IN_16_BITS: Final = 126
_LENGTH_IN_64_BITS: Final = 127
_KIND: Final = _FINAL | _CONTROL
_LEAST: Final = 5
_UNKNOWN: Final = -1
_MAX_CONTROL: Final = 125
_MAX_LENGTH: Final = (1 << 63) - 1


class FrameCursor:
    """Follows one direction of a WebSocket through its frames. Extensions may change payload, but not frame heads."""

    __slots__ = ("_head", "_in_message", "_key", "_left", "_mask", "_overhead", "closed", "lost")

    def __init__(self, *, masked: bool) -> None:
        """Before the first frame. ``masked`` is whether this is the client's direction, which masks every frame."""
        self._mask = _MASKED if masked else 0
        self._key = 4 if masked else 0
        self._overhead = 2 + self._key
        self._left = 0  # bytes to the end of the current frame; amid a head that is not known yet
        self._head = b""  # a head that is not whole yet
        self._in_message = False
        self.closed = False
        """Whether a close frame has begun to pass: it is the last frame of its direction."""
        self.lost = False
        """Whether something passed that is no frame. From there on nothing is known any more."""

    def feed(self, data: bytes) -> None:
        """So much has passed."""
        size = len(data)
        if self._left:
            if size <= self._left:
                self._left -= size
                return
        elif size > _LEAST:  # first what is most likely: one message, in one frame, all of it
            length = data[1] ^ self._mask
            if length == _LENGTH_IN_16_BITS:
                length = (data[2] << 8 | data[3]) + 2
            elif length > _LENGTH_IN_16_BITS:
                length = -1
            if length + self._overhead == size and data[0] & _KIND == _FINAL:
                self._in_message = False
                return
        self._walk(data)

    def _walk(self, data: bytes) -> None:
        """From frame to frame."""
        if self._left == _UNKNOWN:
            data, self._left = self._head + data, 0
        at, size = self._left, len(data)
        mask, key = self._mask, self._key
        while size - at >= 2:
            first, length = data[at], data[at + 1] ^ mask
            head = at + 2
            if length >= _LENGTH_IN_16_BITS:
                head += 2 if length == _LENGTH_IN_16_BITS else 8
                if head > size:
                    break
                length = self._long_length(length, data[at + 2 : head])
            if first & _CONTROL:
                self._control(first, length)
            else:
                self._in_message = first < _FINAL
            if self.lost:
                return
            at = head + key + length
        if at < size:
            self._head, self._left = data[at:], _UNKNOWN
        else:
            self._left = at - size

    def _long_length(self, kind: int, number: bytes) -> int:
        length = int.from_bytes(number, "big")
        if kind > _LENGTH_IN_64_BITS or length > _MAX_LENGTH:  # masked or not, against the rule; or beyond all bounds
            self._lose()
        return length

    def _control(self, first: int, length: int) -> None:
        if length > _MAX_CONTROL or first < _FINAL:  # section 5.5
            self._lose()
        elif first & _OPCODE == _CLOSE:
            self.closed = True

    def _lose(self) -> None:
        self.lost = True
        self._left = 1 << 256  # whatever still comes is amid something, and costs next to nothing

    @property
    def between_frames(self) -> bool:
        """Whether a frame may be added here: control frames are legal amid a fragmented message (section 5.4)."""
        return not self._left

    @property
    def between_messages(self) -> bool:
        """Whether what has passed ends with a whole message."""
        return not (self._left or self._in_message)

    def feed_to_gap(self, data: bytes, *, amid_message: bool) -> int:
        """Let pass what comes before the next place for a frame of our own; gives how many bytes that is.

        With ``amid_message`` the end of any frame will do, without it only the end of a message. Where there is no
        such place all of ``data`` passes.
        """
        at = 0
        while at < len(data) and not (self.between_frames if amid_message else self.between_messages):
            step = max(self._left, 1)  # a head byte by byte: where it ends shows only at its end
            self.feed(data[at : at + step])
            at += step
        return min(at, len(data))


def encode_close(code: int, *, mask: bytes = b"") -> bytes:
    """A close frame with a status code and no reason.

    ``mask`` is the key of four unpredictable bytes that a client has to use (section 5.3); a server masks nothing.
    """
    payload = code.to_bytes(2, "big")
    if not mask:
        return bytes((_FINAL | _CLOSE, len(payload))) + payload
    masked = bytes(byte ^ key for byte, key in zip(payload, mask, strict=False))
    return bytes((_FINAL | _CLOSE, _MASKED | len(payload))) + mask + masked
