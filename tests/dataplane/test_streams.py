"""Streams in both directions of one exchange, as gRPC-Web has them: nothing waits for the end of anything."""

from __future__ import annotations

import asyncio

import pytest

from proxy.dataplane import pace
from proxy.http1.chunked import LAST_CHUNK
from proxy.shm.names import Outcome, Series
from tests.dataplane.conftest import BLUE, StartFront, quiet
from tests.harness.faults import Peer

TYPE = b"Content-Type: application/grpc-web+proto\r\nTransfer-Encoding: chunked\r\n\r\n"
ASK = b"POST /shop.Orders/Watch HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n" + TYPE
HEAD = b"HTTP/1.1 200 OK\r\n" + TYPE
TRAILERS = b"\x80" + len(b"grpc-status: 0\r\n").to_bytes(4, "big") + b"grpc-status: 0\r\n"
"""gRPC-Web has its trailers in the body, as a frame of their own."""


def message(payload: bytes) -> bytes:
    """One length-prefixed message."""
    return b"\0" + len(payload).to_bytes(4, "big") + payload


def chunk(data: bytes) -> bytes:
    """One chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


async def read_chunk(reader: asyncio.StreamReader) -> bytes:
    """The data of the next chunk; nothing at the last one."""
    size = int(await reader.readuntil(b"\r\n"), 16)
    return (await reader.readexactly(size + 2))[:-2]


async def test_both_directions_flow_while_both_are_open(start_front: StartFront) -> None:
    """The answer begins before the upload ends; each message is there at once; trailers in the body pass unread."""

    async def talk(peer: Peer) -> None:
        await peer.head()
        await peer.send(HEAD)
        while data := await read_chunk(peer.reader):
            await peer.send(chunk(data.upper()))
        await peer.send(chunk(TRAILERS) + LAST_CHUNK)

    front, (server,) = await start_front([talk])
    async with front.client() as client:
        client.send(ASK)
        assert (await client.head()).startswith(b"HTTP/1.1 200 ")
        for number in range(20):
            sent = message(b"order %d" % number)
            client.send(chunk(sent))
            assert await read_chunk(client.reader) == sent.upper()
        assert front.count(Series.IN_FLIGHT, *BLUE) == 1
        client.send(LAST_CHUNK)
        assert await read_chunk(client.reader) == TRAILERS
        assert await read_chunk(client.reader) == b""
    await front.until(lambda: quiet(front))
    assert front.count(Series.ENDED, *BLUE, Outcome.FINISHED) == 1
    assert b"application/grpc-web+proto" in server.heads[0]


async def test_a_conversation_may_be_slow(start_front: StartFront, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pace that is asked of uploads is none of theirs whose server has begun to answer."""
    monkeypatch.setattr(pace, "GRACE", 0.2)

    async def talk(peer: Peer) -> None:
        await peer.head()
        await peer.send(HEAD)
        while data := await read_chunk(peer.reader):
            await peer.send(chunk(data))
        await peer.send(LAST_CHUNK)

    front, _ = await start_front([talk])
    async with front.client() as client:
        client.send(ASK)
        await client.head()
        for _ in range(10):
            client.send(chunk(b"x"))
            assert await read_chunk(client.reader) == b"x"
            await asyncio.sleep(0.05)
        client.send(LAST_CHUNK)
        assert await read_chunk(client.reader) == b""


async def test_one_message_after_the_other_and_a_large_one(start_front: StartFront) -> None:
    """Server streaming: small chunks come one by one, and a megabyte among them is not held back."""
    large = message(bytes(1_000_000))
    taken = asyncio.Semaphore(0)

    async def talk(peer: Peer) -> None:
        await peer.head()
        await peer.send(HEAD)
        for number in range(10):
            await peer.send(chunk(message(b"%d" % number)))
            await taken.acquire()
        await peer.send(chunk(large) + chunk(TRAILERS) + LAST_CHUNK)

    front, _ = await start_front([talk])
    async with front.client() as client:
        client.send(ASK + chunk(message(b"all")) + LAST_CHUNK)
        await client.head()
        for number in range(10):
            assert await read_chunk(client.reader) == message(b"%d" % number)
            taken.release()
        got = b""
        while data := await read_chunk(client.reader):
            got += data
    assert got == large + TRAILERS


async def test_an_answer_that_ends_before_its_upload_ends_both(start_front: StartFront) -> None:
    """A server that has seen enough says so: the client has the whole answer, and then the connection ends."""

    async def enough(peer: Peer) -> None:
        await peer.head()
        await read_chunk(peer.reader)
        await peer.send(HEAD + chunk(TRAILERS) + LAST_CHUNK)
        await peer.reader.read()

    front, _ = await start_front([enough])
    async with front.client() as client:
        client.send(ASK + chunk(message(b"one")))
        await client.head()
        assert await read_chunk(client.reader) == TRAILERS
        assert await read_chunk(client.reader) == b""
        assert await client.rest() == b""
    await front.until(lambda: quiet(front))
    assert front.count(Series.ENDED, *BLUE, Outcome.FINISHED) == 1


@pytest.mark.parametrize("end", [b"", b"\r\n"])
async def test_a_stream_that_breaks_is_seen_to_break(start_front: StartFront, end: bytes) -> None:
    """Without its trailers and its last chunk it never looks complete."""

    async def half(peer: Peer) -> None:
        await peer.head()
        await peer.send(HEAD + chunk(message(b"one"))[:-2] + end)

    front, _ = await start_front([half])
    async with front.client() as client:
        client.send(ASK + LAST_CHUNK)
        await client.head()
        assert await read_chunk(client.reader) == message(b"one")
        with pytest.raises(ConnectionResetError):
            await client.rest()
    assert front.count(Series.ENDED, *BLUE, Outcome.FAILED) == 1
