"""The judge sees what is wrong: good conversations in which something is changed afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fuzz.conversation import PLACEHOLDER, Conversation, Ending, Script
from tests.fuzz.oracle import judge
from tests.fuzz.rig import Rig
from tests.fuzz.upstream import Trace, new_token

GET = b"GET /a HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 2\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
BAD = b"GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + PLACEHOLDER
Started = tuple[Rig, asyncio.Runner]
Change = Callable[[Trace], None]


def had(started: Started, *sends: bytes, scripts: tuple[Script | None, ...] = ()) -> Trace:
    """The trace of a conversation that is as it should be."""
    rig, runner = started
    trace = runner.run(rig.converse(Conversation(sends, scripts, turns=40)))
    assert judge(trace).problems == []
    return trace


def body(trace: Trace) -> None:
    """Another byte in a body."""
    trace.sightings[1].message.body[0] ^= 1


def target(trace: Trace) -> None:
    """Another target."""
    trace.sightings[0].message.target += b"/"


def method(trace: Trace) -> None:
    """Another method."""
    trace.sightings[0].message.method = b"PUT"


def fewer_fields(trace: Trace) -> None:
    """A field that is gone."""
    fields = trace.sightings[0].message.fields
    fields.remove((b"x-a", b"1"))


def other_order(trace: Trace) -> None:
    """Fields in another order."""
    trace.sightings[0].message.fields.sort(key=lambda field: field != (b"x-b", b"2"))


def one_more(trace: Trace) -> None:
    """A request that nobody sent."""
    last = trace.sightings[-1]
    fields = [(n, b"other" if n == b"x-request-id" else v) for n, v in last.message.fields]
    trace.sightings.append(replace(last, message=replace(last.message, fields=fields)))


def one_less(trace: Trace) -> None:
    """A request that never arrived, although it was answered."""
    trace.sightings.pop()


def twice(trace: Trace) -> None:
    """A POST that was sent twice."""
    trace.sightings.append(replace(trace.sightings[1]))


def other_framing(trace: Trace) -> None:
    """The same body by other means."""
    fields = trace.sightings[1].message.fields
    fields[:] = [(b"transfer-encoding", b"chunked") if name == b"content-length" else (name, v) for name, v in fields]


def swapped(trace: Trace) -> None:
    """The answers of two requests, exchanged."""
    first, second = (sighting.token for sighting in trace.sightings)
    trace.received = bytearray(bytes(trace.received).replace(first, b"?").replace(second, first).replace(b"?", second))


def strange(trace: Trace) -> None:
    """An answer to somebody else."""
    trace.received = bytearray(bytes(trace.received).replace(trace.sightings[0].token, new_token()))


def no_answer(trace: Trace) -> None:
    """One answer less."""
    del trace.received[trace.received.rindex(b"HTTP/1.1") :]


def doubled(trace: Trace) -> None:
    """Every answer twice."""
    trace.received += bytes(trace.received)


def cut(trace: Trace) -> None:
    """A good answer without its last byte."""
    del trace.received[-1]


@pytest.mark.parametrize(
    "change",
    [
        body,
        target,
        method,
        fewer_fields,
        other_order,
        one_more,
        one_less,
        twice,
        other_framing,
        swapped,
        strange,
        no_answer,
        doubled,
        cut,
    ],
)
def test_a_change_is_seen(rig: Started, change: Change) -> None:
    """Whatever differs between two readings is a disagreement."""
    trace = had(rig, GET + POST)
    change(trace)
    assert judge(trace).problems


def test_a_refusal_must_close(rig: Started) -> None:
    """A refusal that keeps its connection, or is followed by more, is a disagreement."""
    trace = had(rig, GET + BAD + GET)
    kept = replace(trace, received=bytearray(bytes(trace.received).replace(b"Connection: close\r\n", b"")))
    more = replace(trace, received=trace.received + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert judge(kept).problems
    assert judge(more).problems


def test_silence_is_seen(rig: Started) -> None:
    """A bad request that is neither answered nor cut is a disagreement."""
    trace = had(rig, GET + BAD)
    del trace.received[trace.received.index(b"HTTP/1.1 400") :]
    assert judge(trace).problems


def test_a_body_must_not_be_made_whole(rig: Started) -> None:
    """A body of which the client sent half, complete at the upstream, is a disagreement."""
    trace = had(rig, POST[:-4], POST[-4:-2])
    trace.sightings[0].complete = True
    assert judge(trace).problems


def test_a_cut_answer_must_look_cut(rig: Started) -> None:
    """An answer shorter than announced, handed on as a whole one, is a disagreement."""
    trace = had(rig, GET, scripts=(Script((SHORT,), Ending.FIN),))
    trace.received = bytearray(bytes(trace.received).replace(b"Content-Length: 20", b"Content-Length: 16"))
    assert judge(trace).problems


def test_an_answer_must_keep_its_fields(rig: Started) -> None:
    """A field of an answer that is gone, or another status, is a disagreement."""
    good = b"HTTP/1.1 201 Made\r\nContent-Length: 16\r\nX-A: 1\r\n\r\n" + PLACEHOLDER
    trace = had(rig, GET, scripts=(Script((good,)),))
    for old, new in ((b"X-A: 1\r\n", b""), (b" 201 ", b" 200 ")):
        changed = replace(trace, received=bytearray(bytes(trace.received).replace(old, new)))
        assert judge(changed).problems
