"""Scores what a front door does with the cases of Http11Probe, by the rules of that tool put in our own words.

The tool connects, sends a step, reads what comes, looks whether the connection was closed, and gives a pass, a warning
(allowed, but another answer is better) or a fail. Each case says after a ``|`` what it expects; there is one rule for
each such wording. Where the tool takes any answer together with a close, the rules here still want the right status.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from tests.harness.wire import Wire
from tests.wire.conftest import Stage
from tests.wire.corpus import Case, read_answers
from tests.wire.recorder import calm
from tests.wire.strict import Message

GOOD = range(200, 300)

_STATUS_LINE = re.compile(rb"HTTP/[0-9]\.[0-9] [0-9]{3}")


class Score(enum.Enum):
    """What a case earns."""

    PASS = enum.auto()
    WARN = enum.auto()
    FAIL = enum.auto()


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one thing that was sent."""

    answer: Message | None
    answers: int
    """Status lines among what came."""
    closed: bool

    @property
    def status(self) -> int:
        """Of the first answer, 0 without one."""
        return self.answer.status if self.answer is not None else 0

    def has(self, name: bytes) -> bool:
        """Whether the first answer has a field, whose name is given in lower case."""
        return self.answer is not None and self.answer.values(name) != []


Rule = Callable[[Case, list[Step]], Score]


def score(case: Case, steps: list[Step]) -> Score:
    """What the steps of a case earn."""
    return _RULES[case.note.rpartition("|")[2].strip()](case, steps)


async def play(stage: Stage, case: Case) -> list[Step]:
    """Send a case's steps, as long as the connection lasts."""
    wire = await Wire.open(*stage.front.address[:2])
    steps: list[Step] = []
    for data in case.steps:
        if wire.over:
            break
        await wire.write(data)
        await calm(lambda: stage.recorder.news + wire.total + wire.over)
        steps.append(_step(bytes(wire.received), data, closed=wire.over))
        wire.received.clear()
    wire.abort()
    return steps


def _step(received: bytes, sent: bytes, *, closed: bool) -> Step:
    method = sent.lstrip(b"\r\n").partition(b" ")[0]
    answers = read_answers(received, [method], ended=closed)
    assert not answers.broken, answers.broken
    assert not (method == b"HEAD" and answers.rest), "an answer to HEAD with a body"
    first = answers.final[0] if answers.final else None
    return Step(first, len(_STATUS_LINE.findall(received)), closed)


def origin(number: int, request: Message) -> bytes:
    """A well-behaved server, as it may stand behind the front door: echoes bodies, and on ``/echo`` fields."""
    if request.method == b"OPTIONS":
        return _answer(b"204 No Content", [b"Allow: GET, HEAD, OPTIONS, POST"])
    if request.method not in (b"GET", b"HEAD", b"POST"):
        return _answer(b"405 Method Not Allowed", [b"Allow: GET, HEAD, OPTIONS, POST", b"Content-Length: 0"])
    body = request.body or b"hello\n"
    if request.target == b"/echo":
        body = b"\n".join(request.lines) + b"\n"
    head = _answer(b"200 OK", [b"Content-Type: text/plain", b"Content-Length: %d" % len(body)])
    return head if request.method == b"HEAD" else head + body


def _answer(status: bytes, fields: Iterable[bytes]) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, b"Date: Sun, 06 Nov 1994 08:49:37 GMT", *fields, b"\r\n"])


# The rules.


def _one_of(
    *good: int,
    warn: Collection[int] = (),
    closed: Score = Score.PASS,
    silent: Score = Score.FAIL,
) -> Rule:
    """Pass for these statuses; ``closed`` and ``silent`` is what no answer earns, with and without a close."""

    def rule(case: Case, steps: list[Step]) -> Score:
        step = steps[0]
        if not step.status:
            return closed if step.closed else silent
        if step.status in good:
            return Score.PASS
        return Score.WARN if step.status in warn else Score.FAIL

    return rule


def _good_if(check: Callable[[Case, Step], bool], *, otherwise: Score = Score.FAIL) -> Rule:
    """Pass for a 2xx that passes a check."""

    def rule(case: Case, steps: list[Step]) -> Score:
        if steps[0].status not in GOOD:
            return Score.FAIL
        return Score.PASS if check(case, steps[0]) else otherwise

    return rule


def _refused_or_closed(case: Case, steps: list[Step]) -> Score:
    """What hides a second request in the first must get 400 or a close, and never two answers."""
    if steps[0].answers > 1:
        return Score.FAIL
    return Score.PASS if steps[0].status == 400 or steps[0].closed else Score.FAIL


def _refused_or_closed_else_warn(case: Case, steps: list[Step]) -> Score:
    if _refused_or_closed(case, steps) is Score.PASS:
        return Score.PASS
    return Score.WARN if steps[0].status in GOOD else Score.FAIL


def _refused_or_good_and_closed(*refusals: int) -> Rule:
    def rule(case: Case, steps: list[Step]) -> Score:
        step = steps[0]
        if step.status in refusals or (not step.status and step.closed):
            return Score.PASS
        return Score.WARN if step.status in GOOD and step.closed else Score.FAIL

    return rule


def _not(*bad: int, warn: Collection[int] = (), closed: Score = Score.PASS, silent: Score = Score.FAIL) -> Rule:
    def rule(case: Case, steps: list[Step]) -> Score:
        step = steps[0]
        if not step.status:
            return closed if step.closed else silent
        if step.status in bad:
            return Score.FAIL
        return Score.WARN if step.status in warn else Score.PASS

    return rule


def _allow_with_405(case: Case, steps: list[Step]) -> Score:
    if steps[0].status != 405:
        return Score.WARN
    return Score.PASS if steps[0].has(b"allow") else Score.FAIL


def _no_length_with_204(case: Case, steps: list[Step]) -> Score:
    if steps[0].status != 204:
        return Score.WARN
    return Score.FAIL if steps[0].has(b"content-length") else Score.PASS


_DISGUISED = {
    "NORM-UNDERSCORE-CL": (b"content-length", b"content_length", b"99"),
    "NORM-SP-BEFORE-COLON-CL": (b"content-length", b"content-length ", b"5"),
    "NORM-TAB-IN-NAME": (b"content-length", b"content\tlength", b"99"),
    "NORM-UNDERSCORE-TE": (b"transfer-encoding", b"transfer_encoding", b"chunked"),
}


def _not_mended(case: Case, steps: list[Step]) -> Score:
    """A name that is almost that of a framing field must not become one; refused or dropped is best."""
    step = steps[0]
    if step.status >= 400 or (not step.status and step.closed):
        return Score.PASS
    if step.status not in GOOD or step.answer is None:
        return Score.FAIL
    name, disguise, value = _DISGUISED[case.id]
    echoed = [line.lower().partition(b":") for line in step.answer.body.split(b"\n")]
    names = {field for field, _, found in echoed if found.strip() == value}
    if name in names:
        return Score.FAIL
    return Score.WARN if disguise in names else Score.PASS


_ECHOED = {
    "COMP-CHUNKED-MULTI": b"hello world",
    "COMP-CHUNKED-HEX-UPPERCASE": b"helloworld",
}


def _echoes(case: Case, step: Step) -> bool:
    return step.answer is not None and step.answer.body == _ECHOED.get(case.id, b"hello")


def _echoes_or_refused(case: Case, steps: list[Step]) -> Score:
    return Score.WARN if steps[0].status == 400 else _good_if(_echoes)(case, steps)


_RULES: dict[str, Rule] = {
    "400": _one_of(400, closed=Score.FAIL),
    "400 or close": _one_of(400),
    "400/431 or close": _one_of(400, 431),
    "400/414/431 or close": _one_of(400, 414, 431),
    "400/501 or close": _one_of(400, 501),
    "400/505 or close": _one_of(400, 505),
    "400/405/501 or close": _one_of(400, 405, 501),
    "501/405/400 or close": _one_of(400, 405, 501, warn=GOOD),
    "400 or 2xx": _one_of(400, warn=GOOD),
    "400 or close (pass), 2xx (warn)": _one_of(400, warn=GOOD),
    "400 or 2xx/404": _one_of(400, warn=[*GOOD, 404]),
    "400/405/501 or 2xx": _one_of(400, 405, 501, warn=GOOD),
    "417 or 2xx": _one_of(417, warn=GOOD),
    "400/close/timeout": _one_of(400, silent=Score.PASS),
    "400/505/close/timeout": _one_of(400, 505, silent=Score.PASS),
    "2xx": _one_of(*GOOD, closed=Score.FAIL),
    "2xx or close": _one_of(*GOOD),
    "400, or close": _refused_or_closed,
    "400, or close (no extra response)": _refused_or_closed,
    "400, or 2xx + close": _refused_or_closed,
    "400 or close preferred; 2xx acceptable": _refused_or_closed_else_warn,
    "400/501 or 2xx+close": _refused_or_good_and_closed(400, 501),
    "400 or 2xx+close": _refused_or_good_and_closed(400),
    "!101": _not(101),
    "non-101 (426 preferred)": _not(101, warn=GOOD),
    "non-1xx response": _not(*range(100, 200), silent=Score.PASS),
    "not 414": _not(414, closed=Score.WARN),
    "2xx + echo": _good_if(_echoes),
    "2xx preferred; 400 warns": _echoes_or_refused,
    "2xx + close": _good_if(lambda case, step: step.closed),
    "2xx (Range ignored)": _good_if(lambda case, step: step.status != 206),
    "2xx with no body": _good_if(lambda case, step: step.answer is not None and not step.answer.body),
    "2xx with Date header": _good_if(lambda case, step: step.has(b"date")),
    "2xx with Allow header": _good_if(lambda case, step: step.has(b"allow"), otherwise=Score.WARN),
    "2xx with Content-Type": _good_if(lambda case, step: step.has(b"content-type"), otherwise=Score.WARN),
    "405 + Allow header": _allow_with_405,
    "204 without CL": _no_length_with_204,
    "Reject/drop (pass), normalize (fail), preserve (warn)": _not_mended,
}
