"""SIGTERM under load."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import closing

import pytest

from tests.harness.client import Answer, CallError, Connection, Failure, Request, ask_once
from tests.harness.fleet import Fleet
from tests.harness.load import Load
from tests.harness.program import Program
from tests.harness.report import Sample

GRACE = 10.0


@pytest.mark.system
def test_a_stop_under_load_answers_everything_it_accepted(program: Program, fleet: Fleet) -> None:
    """Requests begun before SIGTERM are answered; later ones are answered or never taken; exit 0 within the grace."""
    with Load(program.door, color="blue") as load:
        load.wait_for(300)
        stopped = program.send_signal(signal.SIGTERM)
        code = program.process.wait(GRACE + 5)
        took = time.monotonic() - stopped
        report = load.stop()
    print(report)
    wronged = [sample for sample in report.troubles if not _turned_away(sample, stopped)]
    assert not wronged, "\n".join([str(report), *map(str, wronged[:10])])
    assert report.announced > 0, f"no kept connection was told that it ends\n{report}"
    assert not report.stale, str(report)
    assert not fleet.duplicates(), str(report)
    assert code == 0, program.log()
    assert took < GRACE, f"the stop took {took:.1f} s"


def _turned_away(sample: Sample, stopped: float) -> bool:
    # Being refused is the one excuse: it comes at once, and a client goes elsewhere. A connection that the kernel has
    # accepted is ours, whether a worker has seen it or not; to let it wait and reset it at the end is to drop it.
    # One that was begun just before may be refused as well: its first packet came too late, so nobody had accepted it.
    return sample.ended > stopped and sample.failure is Failure.REFUSED


@pytest.mark.system
@pytest.mark.paced
async def test_a_stop_finishes_a_slow_answer_and_says_goodbye_to_kept_connections(program: Program) -> None:
    """A slow answer comes whole; a kept connection is answered with ``Connection: close`` and then closed cleanly."""
    with closing(await Connection.open(program.door)) as slow, closing(await Connection.open(program.door)) as kept:
        assert (await kept.ask(Request())).status == 200
        answering = asyncio.create_task(slow.ask(Request(target="/slow?ms=2000")))
        await _until_in_flight(program)
        await asyncio.to_thread(program.send_signal, signal.SIGTERM)
        assert (await _ask_until_closed(kept)).status == 200
        assert await kept.ended() == b""
        assert (await answering).status == 200
        assert await slow.ended() == b""
    assert await asyncio.to_thread(program.process.wait, GRACE) == 0


@pytest.mark.system
@pytest.mark.paced
async def test_a_connection_made_during_a_stop_is_not_left_waiting(program: Program) -> None:
    """While a slow answer holds the stop up, new clients are refused or answered at once, not parked and reset."""
    with closing(await Connection.open(program.door)) as slow, closing(await Connection.open(program.door)) as kept:
        answering = asyncio.create_task(slow.ask(Request(target="/slow?ms=3000")))
        await _until_in_flight(program)
        await asyncio.to_thread(program.send_signal, signal.SIGTERM)
        await _ask_until_closed(kept)
        outcome = await _outcome(program)
        waited = answering.done()
        assert (await answering).status == 200
    assert outcome in {"200", "refused"}
    assert not waited, "the new client had to wait for the end of the stop"


@pytest.mark.system
@pytest.mark.paced
async def test_an_upload_in_flight_is_finished(program: Program) -> None:
    """A body that is still being sent as SIGTERM comes is taken to its end and answered whole."""
    with closing(await Connection.open(program.door)) as connection:
        upload = Request("POST", "/echo", pieces=(b"x" * 10_000,) * 10, every=0.1)
        sending = asyncio.create_task(connection.ask(upload))
        await _until_in_flight(program)
        await asyncio.to_thread(program.send_signal, signal.SIGTERM)
        answer = await sending
    assert (answer.status, answer.body) == (200, b"x" * 100_000)
    assert await asyncio.to_thread(program.process.wait, GRACE) == 0


async def _outcome(program: Program) -> str:
    try:
        return str((await ask_once(program.door)).status)
    except CallError as error:
        return error.failure.value


async def _until_in_flight(program: Program) -> None:
    async with asyncio.timeout(5):
        while await asyncio.to_thread(program.in_flight) == 0:  # noqa: ASYNC110 - another process, nothing to wait on
            await asyncio.sleep(0.005)


async def _ask_until_closed(connection: Connection) -> Answer:
    # The signal needs a moment to reach the worker; until then answers may still promise more.
    async with asyncio.timeout(2):
        answer = await connection.ask(Request())
        while not answer.closes:
            answer = await connection.ask(Request())
    return answer
