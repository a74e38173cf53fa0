"""Frames are followed to the byte, however they are cut, and a close frame is one that others read."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

from proxy.http1.websocket import GOING_AWAY, FrameCursor, encode_close

SIZES = (0, 1, 2, 125, 126, 127, 300, 65_535, 65_536, 70_000)
MASKS = pytest.mark.parametrize("masked", [True, False])


def frame(opcode: Opcode, size: int, *, masked: bool, fin: bool = True) -> bytes:
    """One frame, as the library writes it."""
    return Frame(opcode, bytes(size), fin).serialize(mask=masked)


def read_frame(data: bytes, *, masked: bool) -> Frame:
    """The one frame that the library finds in this."""
    reader = StreamReader()
    reader.feed_data(data)
    parsing = Frame.parse(reader.read_exact, mask=masked)
    with pytest.raises(StopIteration) as end:
        next(parsing)
    assert reader.buffer == b""
    found = end.value.value
    assert isinstance(found, Frame)
    return found


@given(
    masked=st.booleans(),
    frames=st.lists(st.tuples(st.sampled_from([Opcode.BINARY, Opcode.PING]), st.sampled_from(SIZES), st.booleans())),
    seed=st.integers(0, 2**32),
    longest=st.sampled_from([3, 10, 1000, 1_000_000]),
)
@settings(max_examples=60)
def test_every_gap_is_found_however_the_bytes_are_cut(
    *, masked: bool, frames: list[tuple[Opcode, int, bool]], seed: int, longest: int
) -> None:
    """After each piece the cursor knows whether it ended a frame, and whether it ended a message."""
    data, ends, rng = b"", {0: True}, random.Random(seed)
    amid_message = False
    for opcode, size, fin in frames:
        control = opcode is Opcode.PING
        data += frame(opcode, min(size, 125) if control else size, masked=masked, fin=fin or control)
        amid_message = amid_message if control else not fin
        ends[len(data)] = not amid_message
    cursor, at = FrameCursor(masked=masked), 0
    while at < len(data):
        step = min(rng.randint(1, longest), len(data) - at)
        cursor.feed(data[at : at + step])
        at += step
        assert cursor.between_frames == (at in ends)
        assert cursor.between_messages == ends.get(at, False)
    assert not cursor.lost


@MASKS
@pytest.mark.parametrize("cut", range(0, 30, 3))
def test_feeding_to_the_gap_stops_at_the_first_one(cut: int, *, masked: bool) -> None:
    """Of what comes, exactly as much passes as belongs to the message, or to the frame, that is under way."""
    first = frame(Opcode.TEXT, 5, masked=masked, fin=False)
    message = first + frame(Opcode.PING, 3, masked=masked) + frame(Opcode.CONT, 400, masked=masked)
    more = frame(Opcode.TEXT, 9, masked=masked)
    for amid_message, end in ((False, len(message)), (True, len(first))):
        cursor = FrameCursor(masked=masked)
        cursor.feed(message[:1])
        started = min(1 + cut, end - 1)
        cursor.feed(message[1:started])
        expected = end if not cursor.between_frames or not amid_message else started
        assert started + cursor.feed_to_gap(message[started:] + more, amid_message=amid_message) == expected
        assert cursor.between_frames
        assert amid_message or cursor.between_messages


def test_without_a_gap_everything_passes() -> None:
    """A message that goes on is not interrupted."""
    cursor = FrameCursor(masked=False)
    data = frame(Opcode.TEXT, 5, masked=False, fin=False) * 3
    cursor.feed(data[:1])
    assert cursor.feed_to_gap(data[1:], amid_message=False) == len(data) - 1
    assert (cursor.between_frames, cursor.between_messages) == (True, False)


def test_a_close_frame_is_noticed() -> None:
    """It is the last frame of its direction, also amid a fragmented message."""
    cursor = FrameCursor(masked=True)
    cursor.feed(frame(Opcode.TEXT, 5, masked=True, fin=False))
    assert not cursor.closed
    cursor.feed(frame(Opcode.CLOSE, 2, masked=True))
    assert cursor.closed


@pytest.mark.parametrize(
    ("masked", "data"),
    [
        (True, frame(Opcode.TEXT, 5, masked=False) + bytes(9)),
        (False, b"\x81\x85mask" + bytes(5)),  # with a mask of no choice: the name of a test is the same every time
        (False, b"\x89\x7e\x00\x7e" + bytes(126)),  # a ping of 126 bytes
        (False, b"\x09\x00"),  # a ping in fragments
        (False, b"\x82\x7f\x80" + bytes(7)),  # 2**63 bytes
        (True, b"GET / HTTP/1.1\r\n\r\n"),
    ],
)
def test_what_is_no_frame_ends_the_watch(data: bytes, *, masked: bool) -> None:
    """From there on no place is taken for a gap, whatever comes."""
    cursor = FrameCursor(masked=masked)
    for byte in data:
        cursor.feed(bytes((byte,)))
    assert cursor.lost
    for size in (1, 2, 1000):
        cursor.feed(frame(Opcode.TEXT, size, masked=masked))
        assert not cursor.between_frames
    assert not cursor.closed


@pytest.mark.parametrize("mask", [b"", b"\x01\xfe\x80\x7f"])
def test_a_close_frame_says_why(mask: bytes) -> None:
    """Others read the code, from a server and from a client."""
    read = read_frame(encode_close(GOING_AWAY, mask=mask), masked=mask != b"")
    assert read.opcode is Opcode.CLOSE
    assert Close.parse(read.data) == Close(1001, "")


@pytest.mark.parametrize(("length", "whole"), [(5, True), (6, False)])
def test_the_rest_of_a_head_is_not_taken_for_a_frame(length: int, *, whole: bool) -> None:
    """What follows a lone first byte may look like a whole frame of its own."""
    cursor = FrameCursor(masked=True)
    cursor.feed(b"\x81")
    cursor.feed(bytes((0x80 | length, 0x84)) + bytes(8))
    assert cursor.between_messages == whole
