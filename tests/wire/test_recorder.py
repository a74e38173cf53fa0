"""The recorder and the client of these tests, checked on good messages and on a front door that is known to work."""

from __future__ import annotations

import asyncio

from tests.wire.conftest import StartStage
from tests.wire.conversation import Act, bytewise, converse
from tests.wire.recorder import Play, Then

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"


async def test_good_requests_are_recorded_and_answered_in_order(start_stage: StartStage) -> None:
    """Each request is seen once, its answer tells which it was, and the probe proves the connection open."""
    stage = await start_stage()
    heard = await stage.converse([GET + POST])
    assert [answer.body for answer in heard.answers] == [b"1 GET /a\n", b"2 POST /b\n"]
    assert (heard.open, heard.cut) == (True, False)
    assert [request.body for request in stage.recorder.requests] == [b"", b"hello", b""]
    assert not stage.recorder.broken


async def test_bytes_arrive_one_by_one() -> None:
    """A script played byte by byte is read byte by byte at the other end."""
    reads: list[bytes] = []

    class Server(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            reads.append(data)

    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    await converse(server.sockets[0].getsockname(), [*bytewise([POST]), Act.END])
    server.close()
    assert reads == [bytes([byte]) for byte in POST]


async def test_an_answer_is_played_byte_by_byte(start_stage: StartStage) -> None:
    """And the next request still gets its own."""
    stage = await start_stage(Play(bytewise=True))
    heard = await stage.converse([GET])
    assert [answer.body for answer in heard.answers] == [b"1 GET /a\n"]
    assert heard.open


async def test_a_cut_answer_is_seen_as_cut(start_stage: StartStage) -> None:
    """An upstream that leaves amid its answer leaves the client with a visible cut."""
    stage = await start_stage(Play(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then=Then.CLOSE))
    heard = await stage.converse([GET])
    assert (heard.answers, heard.cut, heard.open) == ([], True, False)


async def test_a_half_closed_client_gets_its_answer(start_stage: StartStage) -> None:
    """With END the connection is read to its end."""
    stage = await start_stage()
    heard = await stage.converse([GET, Act.END])
    assert (heard.statuses, heard.cut, heard.open) == ([200], False, False)
