"""The strict client, against upstreams that misbehave: every way of failing has a name, and nothing is repeated."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness import faults
from tests.harness.client import CallError, Connection, Failure, Request, ask_once
from tests.harness.faults import Behaviour, FaultServer
from tests.harness.processes import free_port
from tests.harness.websocket import Session


async def failure_of(behaviour: Behaviour, request: Request | None = None) -> Failure:
    """How one request on a fresh connection fails, when the server behaves like that."""
    server = FaultServer(behaviour)
    async with server.listening():
        with pytest.raises(CallError) as caught:
            await ask_once(server.address, request, within=0.5)
        assert server.connections == 1, "the client has repeated the request"
    return caught.value.failure


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        (faults.hang, Failure.TIMED_OUT),
        (faults.hang_after_request, Failure.TIMED_OUT),
        (faults.close_before_head, Failure.EOF_BEFORE_ANSWER),
        (faults.reset_before_head, Failure.RESET),
        (faults.reset_in_head, Failure.RESET),
        (faults.reset_in_body, Failure.RESET),
        (faults.truncate, Failure.TRUNCATED),
        (faults.truncate_chunks, Failure.TRUNCATED),
        (faults.garbage, Failure.BAD_FRAMING),
        (faults.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"), Failure.BAD_FRAMING),
        (faults.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Failure.BAD_FRAMING),
        (faults.slow_head(0.1), Failure.TIMED_OUT),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_every_fault_has_its_class(behaviour: Behaviour, failure: Failure) -> None:
    """One request, one fault, one class."""
    assert await failure_of(behaviour) is failure


async def test_closing_at_once_is_told_as_a_fin_or_a_reset() -> None:
    """A server that reads nothing sends a FIN, then a RST to what comes; which is seen depends on who is faster."""
    both = {Failure.EOF_BEFORE_ANSWER, Failure.RESET}
    assert await failure_of(faults.close_at_once) in both
    assert await failure_of(faults.reset_at_once) is Failure.RESET


async def test_a_closed_port_refuses() -> None:
    """Nobody listens: that is no reset and no time-out."""
    with pytest.raises(CallError) as caught:
        await ask_once(("127.0.0.1", free_port()))
    assert caught.value.failure is Failure.REFUSED


async def test_a_clean_close_of_a_reused_connection_is_told_apart() -> None:
    """A FIN instead of the second answer is ``closed_idle``; a RST is a reset."""
    for behaviour, failure in (
        (faults.close_when_reused, Failure.CLOSED_IDLE),
        (faults.reset_when_reused, Failure.RESET),
    ):
        server = FaultServer(behaviour)
        async with server.listening():
            connection = await Connection.open(server.address)
            assert (await connection.ask(Request())).body == faults.GOOD_BODY
            with pytest.raises(CallError) as caught:
                await connection.ask(Request())
            connection.close()
        assert caught.value.failure is failure
        assert (server.connections, len(server.heads)) == (1, 2)


async def test_a_connection_closed_between_requests_is_not_usable() -> None:
    """A client that looks before it writes sees that its kept connection has gone."""
    server = FaultServer(faults.reset_after_answer)
    async with server.listening():
        connection = await Connection.open(server.address)
        await connection.ask(Request())
        with pytest.raises(CallError):
            await connection.ended()
        assert not connection.usable
        connection.close()


async def test_bytes_that_nobody_asked_for_are_never_taken_for_an_answer() -> None:
    """A second answer to one request makes the connection unusable instead of answering the next request."""
    server = FaultServer(faults.surplus)
    async with server.listening():
        connection = await Connection.open(server.address)
        await connection.ask(Request())
        assert not connection.usable
        with pytest.raises(CallError) as caught:
            await connection.ask(Request())
        assert caught.value.failure is Failure.BAD_FRAMING
        connection.close()


async def test_an_early_answer_to_an_upload_is_read() -> None:
    """A server that answers before it has read the body, and reads on, gets its answer through."""
    server = FaultServer(faults.early_answer)
    async with server.listening():
        answer = await ask_once(server.address, Request("POST", "/", pieces=(b"x" * 100_000,) * 20))
    assert (answer.status, answer.closes) == (413, True)


async def test_interim_answers_are_kept_apart() -> None:
    """A 1xx before the answer is reported and not mistaken for it."""
    server = FaultServer(faults.raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" + faults.GOOD_HEAD + faults.GOOD_BODY))
    async with server.listening():
        answer = await ask_once(server.address)
    assert (answer.interim, answer.status, answer.body) == ((103,), 200, faults.GOOD_BODY)


async def test_a_kept_connection_serves_many_requests() -> None:
    """The client keeps its connection and counts what was asked on it."""
    server = FaultServer(faults.answer)
    async with server.listening():
        connection = await Connection.open(server.address)
        for _ in range(5):
            assert connection.usable
            assert (await connection.ask(Request())).body == faults.GOOD_BODY
        connection.close()
    assert (server.connections, connection.asked) == (1, 5)


async def test_a_script_is_played_in_order() -> None:
    """Each connection gets the next behaviour, and the last one for ever after."""
    server = FaultServer(faults.truncate, faults.garbage, faults.answer)
    async with server.listening():
        failures = []
        for _ in range(2):
            with pytest.raises(CallError) as caught:
                await ask_once(server.address)
            failures.append(caught.value.failure)
        answers = [await ask_once(server.address) for _ in range(2)]
    assert failures == [Failure.TRUNCATED, Failure.BAD_FRAMING]
    assert [answer.status for answer in answers] == [200, 200]


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        (faults.answer, Failure.STATUS),
        (faults.close_before_head, Failure.EOF_BEFORE_ANSWER),
        (faults.reset_before_head, Failure.RESET),
        (faults.garbage, Failure.BAD_FRAMING),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_a_handshake_fails_by_the_same_names(behaviour: Behaviour, failure: Failure) -> None:
    """What becomes of a WebSocket handshake is classed as for any request."""
    server = FaultServer(behaviour)
    async with server.listening():
        with pytest.raises(CallError) as caught:
            async with asyncio.timeout(5):
                await Session.open(server.address)
    assert caught.value.failure is failure
