"""The upstream that all system tests stand on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.client import Address, CallError, Connection, Failure, Request, ask_once
from tests.harness.fleet import UpstreamProcess
from tests.harness.websocket import Session, echo

pytestmark = pytest.mark.system


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[UpstreamProcess]:
    """One green upstream that keeps idle connections for 50 ms."""
    upstream = UpstreamProcess(tmp_path, color="green", name="g1", keep_alive=0.05)
    yield upstream
    upstream.kill()


@pytest.fixture
def address(upstream: UpstreamProcess) -> Address:
    """Where it listens."""
    return "127.0.0.1", upstream.port


async def test_it_signs_its_answers(address: Address) -> None:
    """Every answer says who gave it, and which request it answers."""
    answer = await ask_once(address, Request(headers=(("X-Id", "one"),)))
    assert answer.body == b"green g1 v1\n"
    assert [answer.header(name) for name in ("x-color", "x-name", "x-version", "x-id")] == ["green", "g1", "v1", "one"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_it_echoes_and_measures(address: Address, *, chunked: bool) -> None:
    """A body comes back with its length and checksum, however it was framed."""
    pieces = (b"a", b"b" * 100_000, b"c" * 99_999)
    body = b"".join(pieces)
    answer = await ask_once(address, Request("POST", "/echo", pieces=pieces, chunked=chunked))
    assert answer.body == body
    assert answer.header("x-length") == str(len(body))
    assert answer.header("x-sha256") == hashlib.sha256(body).hexdigest()


async def test_it_streams_with_a_checksum(address: Address) -> None:
    """The end of a stream is the checksum of what was before it."""
    body = (await ask_once(address, Request(target="/stream?chunks=3&ms=1"))).body
    assert hashlib.sha256(body[:-64]).hexdigest().encode() == body[-64:]
    assert len(body) > 64


async def test_it_sends_events(address: Address) -> None:
    """So many events, and one that says it was all."""
    answer = await ask_once(address, Request(target="/events?count=2&ms=1"))
    assert answer.body == b"data: 0\n\ndata: 1\n\nevent: end\ndata:\n\n"


async def test_its_health_can_be_decided(upstream: UpstreamProcess, address: Address) -> None:
    """A health check is told what the test wants."""
    for ok, status in ((False, 503), (True, 200)):
        upstream.set_health(ok)
        assert (await ask_once(address, Request(target="/healthz"))).status == status


async def test_a_websocket_tells_the_color_and_echoes(address: Address) -> None:
    """The first message is the color, then everything comes back, until a clean end."""
    session = await Session.open(address)
    assert await session.receive() == "green"
    assert await echo(session, "hello") == "hello"
    await session.close()


async def test_it_closes_without_announcing(address: Address) -> None:
    """``/close`` answers whole, promises nothing, and is gone."""
    connection = await Connection.open(address)
    answer = await connection.ask(Request(target="/close"))
    assert (answer.status, answer.closes) == (200, False)
    assert await connection.ended() == b""
    connection.close()


async def test_it_closes_idle_connections_when_told_to(address: Address) -> None:
    """A short keep-alive ends a kept connection cleanly, to provoke the race that every proxy has to survive."""
    connection = await Connection.open(address)
    await connection.ask(Request())
    assert await connection.ended() == b""
    assert not connection.usable
    connection.close()


@pytest.mark.parametrize(("path", "failure"), [("/reset", Failure.RESET), ("/hang", Failure.TIMED_OUT)])
async def test_it_breaks_when_asked_to(address: Address, path: str, failure: Failure) -> None:
    """A RST in the middle of an answer, or none at all."""
    with pytest.raises(CallError) as caught:
        await ask_once(address, Request(target=path), within=0.5)
    assert caught.value.failure is failure


async def test_it_counts_deliveries_and_forgets_none_in_death(upstream: UpstreamProcess, address: Address) -> None:
    """A POST delivered twice is told by the upstream itself, and by its journal once it was killed."""
    for ident in ("one", "two", "two"):
        await ask_once(address, Request("POST", "/echo", (("X-Id", ident),), pieces=(b"x",)))
    assert upstream.stats() == {"name": "g1", "delivered": 3, "duplicates": {"POST two": 2}}
    upstream.restart()
    assert upstream.journal.read_text().splitlines() == ["POST one", "POST two", "POST two"]
    assert upstream.stats()["delivered"] == 0
