"""Public cases over real connections, whole and in the smallest pieces: three invariants, and no bad case passes."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable

import pytest

from tests.wire.conftest import Stage, StartStage
from tests.wire.corpus import (
    CORPUS,
    Answers,
    Case,
    Expect,
    Seen,
    cases,
    cut_small,
    in_lanes,
    play_request,
    play_response,
)
from tests.wire.corpus_explained import HARMLESS, NO_HOST, ONLY_THE_FIRST, REFUSED, REFUSED_ANSWERS
from tests.wire.invariants import breaks
from tests.wire.recorder import Then
from tests.wire.strict import Message

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of public cases is not here")

REQUESTS = [case for case in cases() if not case.responses]
RESPONSES = [case for case in cases() if case.responses]

ADDED = (b"date", b"via", b"x-real-ip", b"x-request-id")


class Verdict(enum.StrEnum):
    """What became of a case."""

    REFUSED = "refused"
    PASSED = "passed"
    NORMALISED = "normalised"
    WAITING = "unfinished, and waited for"


def _unchanged(message: Message, sent: bytes) -> bool:
    """Whether a message arrived as it was sent, but for the fields that a hop adds."""
    lines = [
        line
        for (name, _), line in zip(message.fields, message.lines, strict=True)
        if name not in ADDED and not name.startswith(b"x-forwarded-")
    ]
    body = message.raw[message.raw.index(b"\r\n\r\n") + 4 :]
    return b"\r\n".join([message.start, *lines, b"\r\n"]) in sent and body in sent


def _verdict_of_request(case: Case, seen: Seen) -> Verdict:
    if seen.refusal is not None:
        return Verdict.REFUSED
    if not seen.answers:
        return Verdict.WAITING
    same = all(_unchanged(request, case.data) for request in seen.requests)
    return Verdict.PASSED if same else Verdict.NORMALISED


def _tell(what: str, verdicts: dict[str, Verdict]) -> None:
    counts = Counter(verdicts.values())
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
    print(f"{len(verdicts)} {what}, each whole and in single bytes: {told}; 0 breaks")


async def _play_requests(start_stage: StartStage, cut: Callable[[bytes], list[bytes]]) -> dict[str, Seen]:
    seen: dict[str, Seen] = {}

    async def play(stage: Stage, case: Case) -> None:
        seen[case.id] = await play_request(stage, cut(case.data))

    await in_lanes(start_stage, REQUESTS, play)
    return seen


def _gist(seen: Seen) -> object:
    """What must not depend on how the bytes came."""
    requests = [(request.start, request.values(b"host"), request.body) for request in seen.requests]
    return requests, [answer.status for answer in seen.answers], [answer.status for answer in seen.late], seen.closed


def _refuses_rightly(case: Case, seen: Seen) -> bool:
    assert seen.refusal is not None
    if b"no Host field" in seen.refusal.body:
        return b"host:" not in case.data.lower()
    return case.id in REFUSED


async def test_requests(start_stage: StartStage) -> None:
    """No case breaks an invariant, in whatever pieces it comes; bad ones do not pass, and good ones are explained."""
    whole = await _play_requests(start_stage, lambda data: [data])
    small = await _play_requests(start_stage, cut_small)
    assert {name: broken for name, seen in whole.items() if (broken := breaks(seen))} == {}
    assert {name: broken for name, seen in small.items() if (broken := breaks(seen))} == {}
    assert {
        name: (_gist(seen), _gist(small[name])) for name, seen in whole.items() if _gist(seen) != _gist(small[name])
    } == {}
    assert [name for name, seen in whole.items() if any(answer.status < 400 for answer in seen.late)] == []
    verdicts = {case.id: _verdict_of_request(case, whole[case.id]) for case in REQUESTS}
    passed = {case.id for case in REQUESTS if verdicts[case.id] in (Verdict.PASSED, Verdict.NORMALISED)}
    refused = [case for case in REQUESTS if verdicts[case.id] is Verdict.REFUSED]
    explained = {name for name in (*HARMLESS, *ONLY_THE_FIRST) if name in whole}
    assert {case.id for case in REQUESTS if case.expect is Expect.REJECT} & passed == explained
    assert all(len(whole[name].requests) == 1 and whole[name].closed for name in ONLY_THE_FIRST if name in whole)
    unexplained = [
        case.id for case in refused if case.expect is Expect.ACCEPT and not _refuses_rightly(case, whole[case.id])
    ]
    assert unexplained == []
    assert [name for name in REFUSED if verdicts[name] is not Verdict.REFUSED] == []
    _tell("request cases", verdicts)
    print(f"of the refused, {sum(case.expect is Expect.ACCEPT for case in refused)} are wanted: {len(REFUSED)}"
          f" explained one by one, the others are {NO_HOST}")  # fmt: skip


def _verdict_of_answer(case: Case, waited: Answers, ended: Answers) -> Verdict:
    if waited.statuses == [502] or (waited.over and waited.rest):
        return Verdict.REFUSED
    if len(ended.final) != 1 or ended.statuses == [502]:
        return Verdict.WAITING
    return Verdict.PASSED if _unchanged(ended.final[0], case.data) else Verdict.NORMALISED


def _wrong_answer(answers: Answers) -> str:
    """Anything but one strict answer, a 502, or one that can be seen to be cut."""
    if answers.broken or len(answers.final) > 1:
        return answers.broken or "two answers"
    if answers.rest and not answers.over:
        return f"neither whole nor cut: {answers.rest[:60]!r}"
    if not answers.final and not answers.rest:
        return "no answer"
    return ""


async def test_responses(start_stage: StartStage) -> None:
    """Whatever an upstream sends, its client sees one strict answer, a 502, or an answer that is visibly cut."""
    verdicts: dict[bool, dict[str, Verdict]] = {False: {}, True: {}}
    wrong: dict[str, str] = {}

    async def play(stage: Stage, case: Case) -> None:
        for bytewise in (False, True):
            waited = await play_response(stage, case.data, then=Then.KEEP, bytewise=bytewise)
            ended = await play_response(stage, case.data, then=Then.CLOSE, bytewise=bytewise)
            if reason := _wrong_answer(ended):
                wrong[case.id] = reason
            verdicts[bytewise][case.id] = _verdict_of_answer(case, waited, ended)

    await in_lanes(start_stage, RESPONSES, play)
    assert wrong == {}
    whole, small = verdicts[False], verdicts[True]
    assert [(name, whole[name], small[name]) for name in whole if whole[name] != small[name]] == []
    passed = {name for name, verdict in whole.items() if verdict in (Verdict.PASSED, Verdict.NORMALISED)}
    assert {case.id for case in RESPONSES if case.expect is Expect.REJECT} & passed == {
        name for name in ONLY_THE_FIRST if name in whole
    }
    refused = {case.id for case in RESPONSES if case.expect is Expect.ACCEPT and whole[case.id] is Verdict.REFUSED}
    assert refused == set(REFUSED_ANSWERS)
    _tell("response cases", whole)
