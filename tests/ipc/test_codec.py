from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ipc.codec import MAX_LINE, CodecError, Decoder, decode, encode
from proxy.ipc.messages import (
    Cut,
    Down,
    Message,
    Ready,
    ReopenLogs,
    Seen,
    SpanNote,
    Spans,
    Stop,
    Stopped,
    Suspect,
    Up,
    Wake,
)
from proxy.traffic.spec import Color

texts = st.text(max_size=50)
colors = st.sampled_from(Color)
numbers = st.integers(0, 2**64 - 1)
times = st.floats(0, allow_infinity=False, allow_nan=False)
notes = st.builds(
    SpanNote,
    *[texts] * 4,
    *[times] * 3,
    *[texts] * 4,
    numbers,
    *[texts] * 2,
    *[numbers] * 2,
    *[texts] * 4,
    numbers,
    texts,
)
strategies: dict[type[Message], st.SearchStrategy[Message]] = {
    Wake: st.builds(Wake),
    Stop: st.builds(Stop, grace=st.floats(0, allow_infinity=False, allow_nan=False)),
    ReopenLogs: st.builds(ReopenLogs),
    Cut: st.builds(
        Cut,
        service=texts,
        color=colors,
        generation=numbers,
        tunnels=st.booleans(),
        address=st.none() | texts,
        spread=st.floats(0, allow_infinity=False, allow_nan=False),
    ),
    Ready: st.builds(Ready),
    Seen: st.builds(Seen, generation=numbers),
    Suspect: st.builds(Suspect, service=texts, color=colors, address=texts, reason=texts),
    Spans: st.builds(Spans, notes=st.lists(notes, max_size=3).map(tuple)),
    Stopped: st.builds(Stopped, unfinished=numbers),
}
messages = st.one_of(*strategies.values())

CUT = Cut(service="default", color=Color.BLUE, generation=7, tunnels=True, address="127.0.0.1:9001")


def members(message: Message) -> dict[str, object]:
    """The JSON object of a message, to be spoiled."""
    raw: dict[str, object] = json.loads(encode(message))
    return raw


@pytest.mark.parametrize("kind", get_args(Down) + get_args(Up))
def test_every_message_comes_back_as_it_went(kind: type[Message]) -> None:
    """Each message of both unions is the same after a round trip, enums and absent fields included."""

    @given(strategies[kind])
    def comes_back(message: Message) -> None:
        line = encode(message)
        assert line.count(b"\n") == 1
        again = decode(line.rstrip(b"\n"))
        assert again == message
        assert type(again) is kind

    comes_back()


def test_enums_come_back_as_enums() -> None:
    """A color is a color again, not a text that happens to be equal."""
    again = decode(encode(CUT))
    assert isinstance(again, Cut)
    assert again.color is Color.BLUE


@given(st.lists(messages, max_size=8), st.data())
def test_pieces_do_not_matter(sent: list[Message], data: st.DataObject) -> None:
    """Messages come out whole and in order, wherever the stream of bytes was broken."""
    stream = b"".join(encode(message) for message in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    decoder = Decoder()
    got: list[Message] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += decoder.feed(stream[start:end])
    assert got == sent


def test_byte_by_byte() -> None:
    """A message comes out with its last byte and not before."""
    decoder = Decoder()
    line = encode(CUT)
    assert [decoder.feed(line[at : at + 1]) for at in range(len(line))] == [[]] * (len(line) - 1) + [[CUT]]


@given(st.binary(max_size=200).map(lambda data: data + b"\n"))
def test_garbage_is_one_kind_of_error(data: bytes) -> None:
    """Bytes that are no messages raise CodecError and nothing else."""
    with pytest.raises(CodecError):
        Decoder().feed(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(messages, st.data())
def test_spoiled_fields_are_one_kind_of_error(message: Message, data: st.DataObject) -> None:
    """A message with a member of another type either still is a message, or raises CodecError and nothing else."""
    spoiled = members(message)
    spoiled[data.draw(st.sampled_from(list(spoiled)))] = data.draw(json_values)
    try:
        again = decode(json.dumps(spoiled).encode())
    except CodecError:
        return
    assert decode(encode(again)) == again


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"wake"',
        b'{"type":"dance"}',
        b'{"type":["wake"]}',
        b'{"type":"wake","loud":true}',
        b'{"type":"seen"}',
        b'{"type":"seen","generation":-1}',
        b'{"type":"seen","generation":true}',
        b'{"type":"seen","generation":1.5}',
        b'{"type":"seen","generation":"1"}',
        b'{"type":"seen","generation":' + b"9" * 5000 + b"}",
        b'{"type":"stop","grace":NaN}',
        b'{"type":"stop","grace":Infinity}',
        b'{"type":"stop","grace":1e999}',
        b'{"type":"stop","grace":' + b"9" * 400 + b"}",
        b'{"type":"stop","grace":-1}',
        b'{"type":"stop","grace":false}',
        b'{"type":"stop","grace":"1"}',
        b'{"type":"seen","generation":\xff}',
        b"[" * 60_000,
    ],
)
def test_lines_that_are_no_message(line: bytes) -> None:
    """Each of these is refused with CodecError, however close it comes."""
    with pytest.raises(CodecError):
        decode(line)


@pytest.mark.parametrize(
    ("member", "value"), [("color", "red"), ("color", None), ("tunnels", 1), ("address", 9), ("spread", -1)]
)
def test_fields_of_the_wrong_type(member: str, value: object) -> None:
    """A field with a value that its type does not have is refused."""
    with pytest.raises(CodecError):
        decode(json.dumps({**members(CUT), member: value}).encode())


def test_whole_seconds_are_seconds() -> None:
    """A grace without a fraction is the same time."""
    assert decode(b'{"type":"stop","grace":30}') == Stop(30.0)


def test_a_line_without_end_is_refused() -> None:
    """A peer that never ends its line is refused once the line is too long, not kept in memory."""
    decoder = Decoder()
    assert decoder.feed(b"x" * MAX_LINE) == []
    with pytest.raises(CodecError, match="longer"):
        decoder.feed(b"x")


def test_a_long_line_is_refused_by_sender_and_receiver() -> None:
    """A message that does not fit in a line is refused before it is sent, and when it comes all the same."""
    longest = MAX_LINE - len(encode(Suspect("s", Color.BLUE, "a", ""))) + 1
    line = encode(Suspect("s", Color.BLUE, "a", "x" * longest))
    assert len(line) == MAX_LINE + 1
    assert Decoder().feed(line)
    with pytest.raises(CodecError, match="too long"):
        encode(Suspect("s", Color.BLUE, "a", "x" * (longest + 1)))
    with pytest.raises(CodecError, match="longer"):
        Decoder().feed(line.replace(b"x", b"xx", 1))


@pytest.mark.parametrize("message", [Stop(float("inf")), Stop(float("nan")), Seen(-1)])
def test_what_the_peer_would_refuse_is_not_sent(message: Message) -> None:
    """A mistake in the sender is seen in the sender, not as a channel that the peer closes."""
    with pytest.raises(CodecError):
        encode(message)
