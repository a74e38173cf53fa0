"""The checklist, case by case, through real sockets: each whole, and each byte by byte in both directions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.dataplane.conftest import SERVICE, quiet
from tests.wire import (
    cases_answers,
    cases_bodies,
    cases_chunks,
    cases_courses,
    cases_fields,
    cases_forwarding,
    cases_framing,
    cases_targets,
    cases_upgrade,
)
from tests.wire.cases import Case, Kind, Seen
from tests.wire.conftest import Stage, StartStage
from tests.wire.conversation import Act, Conversation, bytewise
from tests.wire.strict import Message, take_answer, take_request

SECTIONS = (
    cases_framing,
    cases_chunks,
    cases_bodies,
    cases_fields,
    cases_targets,
    cases_forwarding,
    cases_upgrade,
    cases_answers,
    cases_courses,
)
CASES: list[Case] = [case for section in SECTIONS for case in section.CASES]

NOT_HERE = {38, 52}
"""Rows without cases of their own: 38 is every case byte by byte, 52 is a drain (tests/dataplane, tests/system)."""

ADDED = frozenset(
    {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip", b"via", b"x-request-id", b"forwarded"}
)
"""Fields that this hop adds to a request behind what came."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_case(start_stage: StartStage, case: Case) -> None:
    """What the client is told, what the upstream sees, and what stays open are as the case says, in whatever pieces."""
    for split in (False, True):
        await check(start_stage, case, split)


async def check(start_stage: StartStage, case: Case, split: bool) -> None:
    """Play a case, whole or byte by byte, and look at everything."""
    plays = [replace(play, bytewise=split and not case.at_once) for play in case.plays]
    stage = await start_stage(
        *plays, greeting=case.greeting, door=case.door, service=replace(SERVICE, hosts=case.hosts)
    )
    heard = await stage.converse(bytewise(case.script) if split else case.script, methods=case.methods)
    check_client(case, heard)
    check_upstream(case, stage)
    check_message(case, heard, stage)
    await check_afterwards(case, heard, stage)


def check_client(case: Case, heard: Conversation) -> None:
    """The client got the answers that it should, strictly framed, and its connection is open or closed as it should."""
    assert not heard.silent, f"no answer and no end: {heard.received!r}"
    assert not heard.broken, heard.received
    assert case.interim in (None, tuple(answer.status for answer in heard.interim)), heard.received
    assert case.arrives in heard.received
    assert not case.never or case.never not in heard.received
    if case.kind is Kind.CUT and case.plays and heard.cut:
        assert not heard.answers, heard.received
        return
    assert not heard.reset or went_on_after_close(heard)
    assert not heard.rest or case.arrives or case.tunnelled, heard.rest
    assert tuple(heard.statuses) == case.statuses, heard.received
    assert heard.open == (case.stays or (case.kind is Kind.CUT and bool(case.plays))), heard.received
    if case.told is not None:
        check_seen(case.told, heard.answers[0])
    if case.tunnelled is not None:
        assert heard.rest == case.tunnelled


def went_on_after_close(heard: Conversation) -> bool:
    """Whether it has its whole answer, asked for the close, and sent more all the same: that may be reset."""
    return bool(heard.answers) and not heard.rest and heard.answers[-1].values(b"connection") == [b"close"]


def check_upstream(case: Case, stage: Stage) -> None:
    """The upstream got the requests that it should, strictly framed, and nothing else."""
    recorder = stage.recorder
    assert not recorder.broken
    requests = [request for request in recorder.requests if request.target != b"/probe"]
    assert b"/smuggled" not in [request.target for request in requests]
    if case.seen is not None:
        assert len(requests) == len(case.seen), recorder.received
        for seen, request in zip(case.seen, requests, strict=True):
            check_seen(seen, request)
    for name in case.once:
        assert len(requests[0].values(name)) == 1, requests[0].lines
    if case.tunnelled is not None:
        assert recorder.connections[0].tunnelled == case.tunnelled
        assert not recorder.connections[0].rest_before_answer
    for connection in recorder.connections:
        assert not connection.rest or (case.unfinished and connection.ended), connection.rest


def check_seen(seen: Seen, message: Message) -> None:
    """A message is as it should be."""
    assert seen.line in (b"", message.start)
    for line in seen.has:
        assert line in message.lines, message.lines
    for name in seen.lacks:
        assert not message.values(name), message.lines
    assert seen.body in (None, message.body)


def check_message(case: Case, heard: Conversation, stage: Stage) -> None:
    """What a case calls passed is passed as it came, and what it calls refused is not passed at all."""
    if case.kind is Kind.REFUSED and case.seen == () and not case.unfinished and not heard.open:
        assert stage.recorder.received == b""
    elif case.kind is Kind.PASSED and case.plays and case.plays[0].answer:
        check_unchanged_answer(case, heard)
    elif case.kind is Kind.PASSED and stage.recorder.requests:
        check_unchanged_request(case, stage)


def check_unchanged_request(case: Case, stage: Stage) -> None:
    """All lines of the client's first request come first and as they were, and its content is the same."""
    sent = take_request(b"".join(step for step in case.script if not isinstance(step, Act)))
    assert sent is not None
    got = stage.recorder.requests[0]
    assert got.start == sent.start
    assert got.lines[: len(sent.lines)] == sent.lines
    assert {name for name, _ in got.fields[len(sent.lines) :]} <= ADDED
    assert got.body == sent.body


def check_unchanged_answer(case: Case, heard: Conversation) -> None:
    """All lines of the upstream's first answer come first and as they were, and its content is the same."""
    sent = take_answer(case.plays[0].answer or b"", first_method(case), ended=True)
    assert sent is not None
    got = heard.answers[0]
    assert got.start == sent.start
    assert got.lines[: len(sent.lines)] == sent.lines
    assert got.body == sent.body


def first_method(case: Case) -> bytes:
    """The method of the first request."""
    first = case.script[0]
    assert isinstance(first, bytes)
    return first.split(b" ")[0]


async def check_afterwards(case: Case, heard: Conversation, stage: Stage) -> None:
    """Nothing is left in flight, the log is in order, the next client is served, and over the right connection."""
    front, recorder = stage.front, stage.recorder
    await front.until(lambda: quiet(front))
    if not heard.open:
        following = await stage.converse([])
        assert following.open
        assert following.probe is not None
        assert following.probe.status == 200
    used = next(c for c in recorder.connections if any(r.target == b"/probe" for r in c.requests))
    if case.fresh is not None:
        assert (used is not recorder.connections[0]) == case.fresh
    await check_log(case, stage)


async def check_log(case: Case, stage: Stage) -> None:
    """Every answer has its line in the log, and every line is one JSON object, whatever the client wrote."""
    lines = await stage.front.log(len(case.statuses) + 1)
    assert case.logged.items() <= lines[0].items(), lines[0]
    assert {"target": "/probe", "status": 200}.items() <= lines[-1].items()


def test_summary() -> None:
    """Every row has its cases, and no two cases the same name; printed is how many there are of each kind."""
    kinds = Counter(case.kind for case in CASES)
    counts = ", ".join(f"{kinds[kind]} {kind.value}" for kind in Kind)
    print(f"{len(CASES)} cases, each whole and byte by byte: {counts}")
    assert {case.row for case in CASES} == {*range(1, 63)} - NOT_HERE
    assert len({case.id for case in CASES}) == len(CASES)
