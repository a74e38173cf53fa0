"""The scored cases of Http11Probe against a front door with a well-behaved server behind it."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.wire import probe
from tests.wire.conftest import Stage, StartStage
from tests.wire.corpus import CORPUS, Case, Expect, cases, in_lanes
from tests.wire.probe import Score, Step
from tests.wire.strict import take_answer

WARNED = {
    "COMP-LEADING-CRLF": "empty lines before a request are skipped, as a server SHOULD (RFC 9112 2.2)",
    "SMUG-CL-LEADING-ZEROS": "digits are digits (RFC 9110 8.6); the upstream is sent 5",
    "SMUG-CL-DOUBLE-ZERO": "the same, 0",
    "SMUG-CL-LEADING-ZEROS-OCTAL": "the same, 200",
    "SMUG-CL-TRAILING-SPACE": "blanks around a value are no part of it (RFC 9110 5.5); the upstream is sent none",
    "SMUG-CL-EXTRA-LEADING-SP": "the same",
    "MAL-CL-TAB-BEFORE-VALUE": "the same",
    "MAL-URL-PERCENT-NULL": "a good target, forwarded as it is (RFC 3986 2.1)",
    "MAL-URL-PERCENT-CRLF": "the same; forms with a text area send it (RFC 3986 2.1)",
}
"""What is accepted although the tool likes a refusal better, with the reason."""


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of public cases is not here")
async def test_http11probe(start_stage: StartStage) -> None:
    """No case fails, at least 150 of 161 pass, and each warning is wanted."""
    scored = [case for case in cases() if case.scored]
    scores: dict[str, Score] = {}

    async def play(stage: Stage, case: Case) -> None:
        stage.recorder.default = probe.origin
        stage.recorder.forget()
        scores[case.id] = probe.score(case, await probe.play(stage, case))

    await in_lanes(start_stage, scored, play)
    counts = Counter(scores.values())
    print("Http11Probe:", ", ".join(f"{counts[score]} {score.name.lower()}" for score in Score), f"of {len(scored)}")
    assert len(scored) == 161
    assert [name for name, score in scores.items() if score is Score.FAIL] == []
    assert {name for name, score in scores.items() if score is Score.WARN} == set(WARNED)
    assert counts[Score.PASS] >= 150


def _case(expected: str) -> Case:
    return Case("X", (b"",), Expect.EITHER, responses=False, note=f"what it is | {expected}", scored=True)


def _step(status: int = 0, *, fields: bytes = b"", body: bytes = b"", answers: int = 1, closed: bool = False) -> Step:
    raw = b"HTTP/1.1 %d A\r\n%b\r\n%b" % (status, fields, body)
    return Step(take_answer(raw, b"GET", ended=True) if status else None, answers if status else 0, closed)


@pytest.mark.parametrize(
    ("expected", "step", "score"),
    [
        ("400 or close", _step(400), Score.PASS),
        ("400 or close", _step(closed=True), Score.PASS),
        ("400 or close", _step(), Score.FAIL),
        ("400 or close", _step(200), Score.FAIL),
        ("400", _step(closed=True), Score.FAIL),
        ("400 or 2xx", _step(200), Score.WARN),
        ("400 or 2xx", _step(501), Score.FAIL),
        ("400/close/timeout", _step(), Score.PASS),
        ("400/close/timeout", _step(200), Score.FAIL),
        ("400, or close (no extra response)", _step(400, answers=2), Score.FAIL),
        ("400, or close (no extra response)", _step(200), Score.FAIL),
        ("400, or 2xx + close", _step(200, closed=True), Score.PASS),
        ("400 or close preferred; 2xx acceptable", _step(200), Score.WARN),
        ("400 or 2xx+close", _step(200, closed=True), Score.WARN),
        ("400 or 2xx+close", _step(200), Score.FAIL),
        ("!101", _step(200), Score.PASS),
        ("!101", _step(101), Score.FAIL),
        ("non-101 (426 preferred)", _step(200), Score.WARN),
        ("not 414", _step(414), Score.FAIL),
        ("2xx + echo", _step(200, body=b"hello"), Score.PASS),
        ("2xx + echo", _step(200, body=b"hell"), Score.FAIL),
        ("2xx preferred; 400 warns", _step(400), Score.WARN),
        ("2xx with Allow header", _step(200), Score.WARN),
        ("2xx with Date header", _step(200), Score.FAIL),
        ("405 + Allow header", _step(405), Score.FAIL),
        ("405 + Allow header", _step(405, fields=b"Allow: GET\r\n"), Score.PASS),
        ("204 without CL", _step(200), Score.WARN),
    ],
)
def test_the_rules_tell_right_from_wrong(expected: str, step: Step, score: Score) -> None:
    """A front door that did something else would be scored otherwise."""
    assert probe.score(_case(expected), [step]) is score
