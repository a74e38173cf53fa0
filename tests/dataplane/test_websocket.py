"""WebSockets pass unchanged, and are said goodbye to in their own protocol."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, Frame, Opcode

from proxy.dataplane import websocket
from proxy.shm.names import Outcome, Series
from proxy.traffic.table import TableUpstream
from tests.dataplane.conftest import BLUE, SERVICE, Client, Front, StartFront, quiet
from tests.dataplane.test_tunnel import AGREED, UPGRADE, agreeing, open_tunnel
from tests.harness.faults import Peer

GOING_AWAY = Frame(Opcode.CLOSE, Close(1001, "").serialize())

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def application(start_front: StartFront, handler: Handler) -> AsyncIterator[tuple[Front, str]]:
    """A front door before a real WebSocket server, and where clients connect to."""
    front, _ = await start_front()
    async with serve(handler, "127.0.0.1", 0, max_size=None) as server:
        host, port = next(iter(server.sockets)).getsockname()
        front.publish(replace(SERVICE, blue=(TableUpstream(f"{host}:{port}", 1),)))
        yield front, "ws://{}:{}/ws".format(*front.address[:2])


async def echo(session: ServerConnection) -> None:
    """Send back what comes."""
    async for message in session:
        await session.send(message)


def wind_up(front: Front) -> None:
    """Have every session ended, as a drain has."""
    for connection in list(front.door.connections):
        assert connection.occupant is not None
        connection.occupant.wind_up()


def ended(front: Front, outcome: Outcome) -> bool:
    """Whether the one session is over, and how."""
    return quiet(front) and front.count(Series.ENDED, *BLUE, outcome) == 1


async def frames(client: Client) -> list[Frame]:
    """What a client that speaks no WebSocket is sent until the end: an orderly one, or this raises."""
    reader, found = client.reader, []
    while first := await reader.read(1):
        length = (await reader.readexactly(1))[0]
        found.append(Frame(Opcode(first[0] & 15), await reader.readexactly(length), bool(first[0] & 128)))
    return found


async def test_messages_come_as_they_were_sent(start_front: StartFront) -> None:
    """Texts, bytes, empty ones, fragments, and a ping that is answered by the other end."""
    async with application(start_front, echo) as (front, url), connect(url) as client:
        for message in ("text", b"bytes", "", "ü" * 70_000, os.urandom(300_000)):
            await client.send(message)
            assert await client.recv() == message
        await client.send(["in ", "three ", "pieces"])
        assert await client.recv() == "in three pieces"
        await (await client.ping(b"are you there?"))
        assert front.count(Series.TUNNELS, *BLUE) == 1
    await front.until(lambda: ended(front, Outcome.FINISHED))


async def test_compression_is_between_the_two_ends(start_front: StartFront) -> None:
    """The extension is agreed upon through the front door, and what is compressed stays so."""
    seen: list[bool] = []

    async def handler(session: ServerConnection) -> None:
        seen.append(any(isinstance(each, PerMessageDeflate) for each in session.protocol.extensions))
        await echo(session)

    async with application(start_front, handler) as (front, url), connect(url, max_size=None) as client:
        assert any(isinstance(each, PerMessageDeflate) for each in client.protocol.extensions)
        await client.send("again " * 500_000)
        assert await client.recv() == "again " * 500_000
    await front.until(lambda: ended(front, Outcome.FINISHED))
    (line,) = await front.log(1)
    assert seen == [True]
    assert isinstance(line["sent"], int)
    assert line["sent"] < 100_000


async def test_a_client_closes_with_its_own_code(start_front: StartFront) -> None:
    """Code and reason reach the application."""
    codes: list[tuple[int | None, str | None]] = []

    async def handler(session: ServerConnection) -> None:
        await session.wait_closed()
        codes.append((session.close_code, session.close_reason))

    async with application(start_front, handler) as (front, url), connect(url) as client:
        await client.close(4001, "enough")
        await front.until(lambda: ended(front, Outcome.FINISHED))
    assert codes == [(4001, "enough")]


async def test_an_application_closes_with_its_own_code(start_front: StartFront) -> None:
    """Code and reason reach the client."""

    async def handler(session: ServerConnection) -> None:
        await session.close(1013, "later")

    async with application(start_front, handler) as (front, url), connect(url) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd == Close(1013, "later")
        await front.until(lambda: ended(front, Outcome.FINISHED))


async def test_large_messages_to_a_slow_reader_and_back(start_front: StartFront) -> None:
    """Nothing is lost where one side is faster than the other."""
    size, go_on = 8_000_000, asyncio.Event()

    async def handler(session: ServerConnection) -> None:
        await go_on.wait()
        await echo(session)

    async with application(start_front, handler) as (front, url), connect(url, max_size=None) as client:
        messages = [os.urandom(size) for _ in range(2)]
        sending = asyncio.create_task(_send_all(client, messages))
        (connection,) = front.door.connections
        await front.until(lambda: front.count(Series.TUNNELS, *BLUE) == 1)
        go_on.set()
        for message in messages:
            assert await client.recv() == message
        await sending
        assert connection.stream.waiting < 1_000_000


async def _send_all(client: ClientConnection, messages: list[bytes]) -> None:
    for message in messages:
        await client.send(message)


async def test_both_sides_are_told_that_the_other_goes_away(start_front: StartFront) -> None:
    """At a drain's deadline either end sees a closing handshake with the code 1001, and nothing else."""
    codes: list[int | None] = []

    async def handler(session: ServerConnection) -> None:
        await echo(session)
        codes.append(session.close_code)

    async with application(start_front, handler) as (front, url), connect(url) as client:
        await client.send("hello")
        assert await client.recv() == "hello"
        wind_up(front)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd == Close(1001, "")
        await front.until(lambda: codes == [1001] and not front.door.connections)
    assert ended(front, Outcome.CUT_BY_PROXY)
    (line,) = await front.log(1)
    assert line["outcome"] == "drain_deadline"


async def test_what_was_on_its_way_to_the_application_arrives(start_front: StartFront) -> None:
    """A client that has not read the close frame yet goes on sending, and none of it is thrown away."""
    got: list[str | bytes] = []

    async def handler(session: ServerConnection) -> None:
        got.extend([message async for message in session])

    async with application(start_front, handler) as (front, url), connect(url) as client:
        client.transport.pause_reading()
        await front.until(lambda: front.count(Series.TUNNELS, *BLUE) == 1)
        wind_up(front)
        sent = [f"{number} " * 1000 for number in range(50)]
        for message in sent:
            await client.send(message)
        client.transport.resume_reading()
        await front.until(lambda: ended(front, Outcome.CUT_BY_PROXY))
        await client.wait_closed()
        assert client.close_code == 1001
    assert got == sent


async def test_a_message_under_way_arrives_whole_before_the_close_frame(start_front: StartFront) -> None:
    """The front door speaks between two messages, and what the application says after that is not passed on."""
    pieces = [b"\x01\x02he", b"\x89\x00\x00\x02", b"ll", b"\x80", b"\x01o" + b"\x81\x04last"]
    steps = [asyncio.Event() for _ in pieces]

    async def talk(peer: Peer) -> None:
        for piece, step in zip(pieces, steps, strict=True):
            await peer.send(piece)
            await step.wait()
        await peer.reader.read()

    front, _ = await start_front([agreeing(talk)])
    async with front.client() as client:
        await open_tunnel(client)
        assert await client.reader.readexactly(4) == pieces[0]
        wind_up(front)
        for piece, step in zip(pieces[1:-1], steps, strict=False):
            step.set()
            assert await client.reader.readexactly(len(piece)) == piece
        steps[-2].set()
        assert await client.reader.readexactly(2) == b"\x01o"
        assert await client.reader.readexactly(4) == GOING_AWAY.serialize(mask=False)
        client.send(GOING_AWAY.serialize(mask=True))
        steps[-1].set()
        client.writer.write_eof()
        assert await client.rest() == b""
    await front.until(lambda: ended(front, Outcome.CUT_BY_PROXY))


async def test_a_message_without_end_is_interrupted_between_two_frames(
    start_front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patience is bounded; then a close frame stands where any control frame may."""
    _be_impatient(monkeypatch)

    async def talk(peer: Peer) -> None:
        await peer.send(b"\x01\x02he")
        while not peer.writer.is_closing():
            await peer.send(b"\x00\x02ll", every=0.01)

    front, _ = await start_front([agreeing(talk)])
    async with front.client() as client:
        await open_tunnel(client)
        await client.reader.readexactly(4)
        wind_up(front)
        *before, last = await frames(client)
        assert {frame.opcode for frame in before} == {Opcode.CONT}
        assert last == GOING_AWAY
    assert ended(front, Outcome.CUT_BY_PROXY)


async def test_amid_a_frame_nothing_can_be_said(start_front: StartFront, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that never ends is broken off, and shown to be."""
    _be_impatient(monkeypatch)

    async def talk(peer: Peer) -> None:
        await peer.send(b"\x81\x05hel")
        await peer.reader.read()

    front, _ = await start_front([agreeing(talk)])
    async with front.client() as client:
        await open_tunnel(client)
        await client.reader.readexactly(5)
        wind_up(front)
        with pytest.raises(ConnectionResetError):
            await client.rest()
    assert ended(front, Outcome.CUT_BY_PROXY)


async def test_a_client_that_does_not_answer_is_spoken_for(
    start_front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application is sent a masked close frame in its name, and both connections end in order."""
    _be_impatient(monkeypatch)
    got: list[bytes] = []

    async def listen(peer: Peer) -> None:
        got.append(await peer.reader.read(-1))

    front, _ = await start_front([agreeing(listen)])
    async with front.client() as client:
        await open_tunnel(client)
        wind_up(front)
        assert await frames(client) == [GOING_AWAY]
        await front.until(lambda: bool(got))
    (frame,) = got
    payload = bytes(byte ^ key for byte, key in zip(frame[6:], frame[2:6], strict=False))
    assert (frame[:2], payload) == (b"\x88\x82", GOING_AWAY.data)
    assert ended(front, Outcome.CUT_BY_PROXY)


@pytest.mark.parametrize("side", ["client", "upstream"])
async def test_a_side_that_leaves_instead_of_answering(start_front: StartFront, side: str) -> None:
    """The other one sees an orderly end all the same, and the session counts as ended by the front door."""
    got: list[bytes] = []

    async def listen(peer: Peer) -> None:
        if side == "upstream":
            await peer.reader.readexactly(1)
            peer.reset()
            return
        got.append(await peer.reader.read(-1))

    front, _ = await start_front([agreeing(listen)])
    async with front.client() as client:
        await open_tunnel(client)
        wind_up(front)
        assert await client.reader.readexactly(4) == GOING_AWAY.serialize(mask=False)
        if side == "client":
            client.writer.close()
            await front.until(lambda: [len(data) for data in got] == [8])
        else:
            client.send(b"\x81\x80abcd")
            assert await client.rest() == b""
    await front.until(lambda: ended(front, Outcome.CUT_BY_PROXY))


async def test_a_close_under_way_is_not_talked_into(start_front: StartFront) -> None:
    """Where one side has closed already the front door lets the two finish by themselves."""
    go_on = asyncio.Event()

    async def handler(session: ServerConnection) -> None:
        session.transport.pause_reading()
        await go_on.wait()
        session.transport.resume_reading()
        await session.wait_closed()

    async with application(start_front, handler) as (front, url), connect(url) as client:
        closing = asyncio.create_task(client.close(4002))
        (connection,) = front.door.connections
        tunnel = connection.occupant
        assert isinstance(tunnel, websocket.WebSocketTunnel)
        await front.until(lambda: tunnel._from_client.closed)
        wind_up(front)
        go_on.set()
        await closing
        assert client.close_code == 4002
    await front.until(lambda: ended(front, Outcome.FINISHED))


async def test_a_last_cut_says_what_can_be_said_at_once(start_front: StartFront) -> None:
    """When there is no time left, a close frame is all that is sent, and nobody is waited for."""
    front, _ = await start_front([agreeing(_wait)])
    async with front.client() as client:
        await open_tunnel(client)
        (connection,) = front.door.connections
        assert connection.occupant is not None
        connection.occupant.cut()
        assert ended(front, Outcome.CUT_BY_PROXY)
        assert await frames(client) == [GOING_AWAY]


async def test_bytes_that_are_no_frames_pass_and_end_by_a_reset(start_front: StartFront) -> None:
    """What peers send each other is their business; but no frame is put where it might be taken for something else."""

    async def nonsense(peer: Peer) -> None:
        await peer.send(b"\xff\xff\xff nonsense")
        await peer.reader.read()

    front, _ = await start_front([agreeing(nonsense)])
    async with front.client() as client:
        await open_tunnel(client)
        assert await client.reader.readexactly(12) == b"\xff\xff\xff nonsense"
        wind_up(front)
        with pytest.raises(ConnectionResetError):
            await client.rest()
    assert ended(front, Outcome.CUT_BY_PROXY)


async def test_nothing_of_the_new_protocol_is_sent_before_it_is_agreed_upon(start_front: StartFront) -> None:
    """What a client sends behind its handshake waits here, in bounds, and is never read as a request."""
    go_on = asyncio.Event()
    got: list[bytes] = []

    async def hesitate(peer: Peer) -> None:
        await peer.head()
        await go_on.wait()
        got.append(bytes(peer.reader._buffer))  # type: ignore[attr-defined]
        await peer.send(AGREED)
        got.append(await peer.reader.readexactly(8_000_000))

    front, (server,) = await start_front([hesitate])
    async with front.client() as client:
        client.send(UPGRADE + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".ljust(8_000_000, b"x"))
        await front.until(lambda: [c.stream._paused for c in front.door.connections] == [True])
        go_on.set()
        await client.head()
        await front.until(lambda: len(got) == 2)
    assert got[0] == b""
    assert got[1].startswith(b"GET /smuggled ")
    assert len(server.heads) == 1


async def _wait(peer: Peer) -> None:
    await peer.reader.read()


def _be_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "_PATIENCE", dict.fromkeys(websocket._Step, 0.05))
