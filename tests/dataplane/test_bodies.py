"""Bodies on their way through, in whatever pieces they come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dataplane.bodies import RequestBody, ResponseBody
from proxy.dataplane.upload import MAX_REPLAY, Upload
from proxy.http1.chunked import ChunkedDecoder
from proxy.http1.errors import Reason, RequestError, ResponseError
from proxy.http1.framing import CHUNKED, UNTIL_CLOSE

BODY = b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nA: b\r\n\r\n"


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data cut at these places."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


def content(chunks: bytes) -> bytes:
    """What chunks stand for; they must be whole."""
    decoder = ChunkedDecoder(ResponseError)
    pieces = decoder.feed(chunks)
    assert decoder.done
    assert decoder.surplus == b""
    return b"".join(pieces)


@given(st.lists(st.integers(0, 1000)))
def test_a_chunked_request_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    """The upstream gets the same content, and what follows is left over."""
    body, out, surplus = RequestBody(CHUNKED, None), b"", b""
    for piece in pieces_of(BODY + b"NEXT", cuts):
        if body.done:
            surplus += piece
        else:
            out += body.feed(piece)
            surplus = body.surplus
    assert content(out) == b"hello world"
    assert surplus == b"NEXT"


@given(st.lists(st.integers(0, 1000)), st.sampled_from([10, 11]))
def test_a_chunked_response_is_the_same_however_it_is_cut(cuts: list[int], version: int) -> None:
    """In chunks for 1.1, plain for 1.0."""
    body = ResponseBody(CHUNKED, version)
    out = b"".join(body.feed(piece) for piece in pieces_of(BODY, cuts))
    assert body.done
    assert (content(out) if version == 11 else out) == b"hello world"


@given(st.lists(st.integers(0, 1000)))
def test_a_body_of_known_length_ends_there(cuts: list[int]) -> None:
    """Not one byte more is passed on."""
    body = RequestBody(5, None)
    out, surplus = b"", b""
    for piece in pieces_of(b"helloNEXT", cuts):
        if body.done:
            surplus += piece
        else:
            out += body.feed(piece)
            surplus = body.surplus
    assert (out, surplus) == (b"hello", b"NEXT")


def test_a_body_until_close_ends_with_the_close_alone() -> None:
    """Only it may be ended by that; every other one is cut short by it."""
    assert ResponseBody(UNTIL_CLOSE, 11).end() == b"0\r\n\r\n"
    assert ResponseBody(UNTIL_CLOSE, 10).end() == b""
    assert ResponseBody(CHUNKED, 11).end() is None
    assert ResponseBody(5, 11).end() is None


def test_what_comes_behind_a_response_is_noticed() -> None:
    """Even where there is no body at all."""
    for length in (0, 5):
        body = ResponseBody(length, 11)
        assert body.feed(b"helloX") == b"hello"[:length]
        assert body.surplus


def test_a_body_over_the_limit_is_refused_by_its_announcement_or_as_it_comes() -> None:
    """413 both ways."""
    with pytest.raises(RequestError) as announced:
        RequestBody(4, 3)
    body = RequestBody(CHUNKED, 3)
    body.feed(b"3\r\nabc\r\n")
    with pytest.raises(RequestError) as come:
        body.feed(b"1\r\nd\r\n")
    assert announced.value.reason is come.value.reason is Reason.BODY_TOO_LONG


def test_an_upload_is_kept_as_far_as_it_can_be_sent_again() -> None:
    """Up to the limit it may be repeated from the start; beyond it nothing is kept."""
    upload = Upload(MAX_REPLAY + 1, None)
    assert not upload.surely_replayable
    upload.feed(bytes(MAX_REPLAY))
    assert upload.begin() == upload.begin() == bytes(MAX_REPLAY)
    upload.feed(b"x")
    assert upload.overflowing
    upload.forget_if_large()
    assert not upload.replayable
    assert upload.done


def test_an_upload_without_a_body_is_done_at_once() -> None:
    """And can be repeated for ever."""
    upload = Upload(0, None)
    assert upload.done
    assert upload.replayable
    assert upload.surely_replayable
    assert upload.begin() == b""
