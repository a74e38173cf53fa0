from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.chunked import LAST_CHUNK, ChunkedDecoder, encode_chunk
from proxy.http1.errors import Reason, RequestError, ResponseError, WireError


def _decode(*parts: bytes) -> tuple[bytes, bool, bytes]:
    """Content, whether it is complete, and what came after it."""
    decoder = ChunkedDecoder(RequestError)
    content = b"".join(piece for part in parts for piece in decoder.feed(part))
    return content, decoder.done, decoder.surplus


def _bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


GOOD = [
    (b"0\r\n\r\n", b""),
    (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b"5\r\nhello\r\n6\r\n world\r\n000\r\n\r\n", b"hello world"),
    (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    (b"0000000000000005\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    (b"5;a\r\nhello\r\n0;b=c\r\n\r\n", b"hello"),
    (b'5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n', b"hello"),
    (b"5;a=b;c;d=e\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b"5\r\nhello\r\n0\r\nX-Sum: abc\r\nVary: *\r\n\r\n", b"hello"),
    (b"5;" + b"a" * 1023 + b"\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b"0\r\n" + b"A: b\r\n" * 32 + b"\r\n", b""),
    (b"0\r\nA: " + b"b" * 8189 + b"\r\n\r\n", b""),
]

BAD = [
    *[
        size + b"\r\nhello\r\n0\r\n\r\n"
        for size in [
            b"",
            b"+5",
            b"-5",
            b"0x5",
            b"5_0",
            b" 5",
            b"5 ",
            b"5\t",
            b"\t5",
            b"5 ;a",
            b"5.0",
            b"g",
            b"h5",
            b"00000000000000005",
            b"10000000000000005",
            b"5;",
            b"5;=a",
            b"5;a=",
            b"5;;a",
            b"5;a\x00",
            b'5;a="b',
            b'5;a="b\rc"',
            b'5;a="b\x01"',
            b"5;a b",
            b"5; a",
            b"5;a =b",
            b"5;a= b",
            b"5;a\t",
            b"5;\xe9",
            b"5,5",
            b"5;" + b"a" * 1024,
            b'5;a=b"c"',
            b"5;a=b=c",
        ]
    ],
    b'5;a="\r\nhello\r\n0\r\n\r\n"\r\n',
    b"5\nhello\r\n0\r\n\r\n",
    b"5\rhello\r\n0\r\n\r\n",
    b"5\r\nhello\n0\r\n\r\n",
    b"5\r\nhello\r0\r\n\r\n",
    b"5\r\nhelloXX0\r\n\r\n",
    b"5\r\nhello\rX0\r\n\r\n",
    b"5\r\nhello0\r\n\r\n",
    b"5\r\nhello!\r\n0\r\n\r\n",
    b"5\r\nhell\r\n0\r\n\r\n",
    b"0\r\nX\r\n\r\n",
    b"0\r\n\n",
    b"0\r\n\rX",
    b"0\r\nX: y\n\r\n",
    b"0\r\nX : y\r\n\r\n",
    b"0\r\n X: y\r\n\r\n",
    b"0\r\nX: \x00\r\n\r\n",
    b"0\r\nContent-Length: 5\r\n\r\n",
    b"0\r\ntransfer-encoding: chunked\r\n\r\n",
    b"0\r\nHOST: a\r\n\r\n",
    b"0\r\n" + b"A: b\r\n" * 33 + b"\r\n",
    b"0\r\nA: " + b"b" * 8190 + b"\r\n\r\n",
    b"0\r\n" + (b"A: " + b"b" * 1000 + b"\r\n") * 9 + b"\r\n",
    (b"1;" + b"a" * 1000 + b"\r\nx\r\n") * 17,
    b"5" * 2000,
    b"5;" + b"a" * 2000,
    b"0\r\n" + b"a" * 9000,
]


@pytest.mark.parametrize(("body", "content"), GOOD)
def test_good_bodies(body: bytes, content: bytes) -> None:
    """Content comes out, extensions and trailers do not, and what follows is left alone; the same byte by byte."""
    assert _decode(body + b"GET /") == (content, True, b"GET /")
    assert _decode(*_bytewise(body + b"GET /")) == (content, True, b"GET /")
    assert _decode(body[:-1]) == (content, False, b"")


@pytest.mark.parametrize("body", BAD)
def test_bad_bodies(body: bytes) -> None:
    """Whatever two parsers might read in two ways is refused, whole and byte by byte."""
    for parts in ([body], _bytewise(body)):
        with pytest.raises(RequestError) as error:
            _decode(*parts)
        assert error.value.reason in {Reason.CHUNK, Reason.TRAILER}
        assert error.value.status == 400


@pytest.mark.parametrize("begun", [b"h", b"+", b" 5", b"5 ", b"0x", b";a", b"0" * 17, b"5;a\x00", b"5\rX"])
def test_a_size_that_cannot_become_good_is_refused_at_once(begun: bytes) -> None:
    """Whoever sends content without chunks hears so without a line end, and before any time limit."""
    decoder = ChunkedDecoder(RequestError)
    with pytest.raises(RequestError):
        decoder.feed(begun)


def test_a_huge_chunk_is_a_long_one() -> None:
    """Sixteen digits are a size like any other: nothing wraps around."""
    assert _decode(b"FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n") == (b"hello\r\n0\r\n\r\n", False, b"")
    assert _decode(b"100000005\r\nhello\r\n0\r\n\r\n")[1] is False


def test_the_fault_is_the_senders() -> None:
    """A decoder blames whom it was told to blame."""
    with pytest.raises(ResponseError) as error:
        ChunkedDecoder(ResponseError).feed(b"x\r\n")
    assert error.value.status == 502


def test_what_comes_after_the_end_is_kept() -> None:
    """Bytes after a body belong to the next message, however many reads they come in."""
    assert _decode(b"0\r\n\r\nGET", b" / ", b"HTTP") == (b"", True, b"GET / HTTP")


contents = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


@given(contents, st.lists(st.integers(0, 400), max_size=5))
def test_cuts_do_not_matter(chunks: list[bytes], cuts: list[int]) -> None:
    """What was encoded is decoded, wherever the stream is cut."""
    body = b"".join(encode_chunk([chunk]) for chunk in chunks) + LAST_CHUNK + b"after"
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    parts = [body[start:end] for start, end in itertools.pairwise(edges)]
    assert _decode(*parts) == (b"".join(chunks), True, b"after")


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=4))
def test_pieces_become_one_chunk(pieces: list[bytes]) -> None:
    """Pieces that are ready together go out in one frame."""
    content = b"".join(pieces)
    assert encode_chunk(pieces) == b"%x\r\n%b\r\n" % (len(content), content)


def _verdict(parts: list[bytes]) -> tuple[bytes, bool, bytes] | str:
    try:
        return _decode(*parts)
    except WireError as error:
        return error.reason


@given(
    st.lists(
        st.sampled_from(
            [
                b"5",
                b"0",
                b"a",
                b"1",
                b"\r\n",
                b"\r\n",
                b"\r\n",
                b"\r",
                b"\n",
                b"hello",
                b"x",
                b";",
                b"=",
                b'"',
                b"\\",
                b" ",
                b"A: b",
                b"Host: a",
                b"\x00",
                b":",
                b";a=b",
                b"0\r\n\r\n",
                b"5\r\nhello\r\n",
                b"1\r\nx\r\n",
            ]
        ),
        max_size=12,
    ).map(b"".join)
)
def test_garbage_byte_by_byte_is_the_same_garbage(data: bytes) -> None:
    """Any bytes are decoded or refused, and how they are cut makes no difference."""
    assert _verdict([data]) == _verdict(_bytewise(data))
