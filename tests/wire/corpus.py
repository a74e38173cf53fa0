"""Cases of public test suites, and how they are played: as real bytes on real connections.

A request case is what a client sends; a response case is what an upstream sends. Nothing here has an opinion on any of
them: it tells what was seen on both sides of the front door.
"""

from __future__ import annotations

import asyncio
import base64
import enum
import functools
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.harness.wire import Wire
from tests.wire.conftest import Stage
from tests.wire.conversation import PROBE
from tests.wire.recorder import TURNS, Play, Recording, Then, calm, turns
from tests.wire.strict import BrokenMessageError, Message, take_answer

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"

LANES = 8
"""Front doors that play cases at the same time, each one after the other."""

_SMALL = 2048
"""Bytes up to which a case is cut into single ones. Larger ones are cut at both sides of every CR and LF, and every 64
bytes: what is in between are thousands of equal letters."""


class Expect(enum.StrEnum):
    """What a suite says about a case of its own."""

    REJECT = "reject"
    ACCEPT = "accept"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Case:
    """One case."""

    id: str
    steps: tuple[bytes, ...]
    """What is sent, an answer read after each."""
    expect: Expect
    responses: bool
    """Whether an upstream sends it."""
    note: str
    """In the words of the suite: what it is, and after the last ``|`` what is expected."""
    scored: bool
    """Whether the suite counts it."""

    @property
    def data(self) -> bytes:
        """All of its bytes."""
        return b"".join(self.steps)


@functools.cache
def cases() -> tuple[Case, ...]:
    """Every case there is."""
    lines = [line for file in sorted(CORPUS.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    return tuple(_case(json.loads(line)) for line in lines)


def _case(raw: dict[str, object]) -> Case:
    steps = raw["steps"]
    assert isinstance(steps, list)
    return Case(
        id=str(raw["id"]),
        steps=tuple(b"".join(base64.b64decode(piece["b64"]) for piece in step) for step in steps),
        expect=Expect(str(raw["expect"])),
        responses=raw.get("side") == "response",
        note=str(raw["note"]),
        scored=bool(raw.get("scored")),
    )


def cut_small(data: bytes) -> list[bytes]:
    """The data in pieces of one byte, or nearly so if there is much of it."""
    if len(data) <= _SMALL:
        return [bytes([byte]) for byte in data]
    ends = {index + side for index, byte in enumerate(data) if byte in b"\r\n" for side in (0, 1)}
    cuts = sorted(ends | set(range(0, len(data), 64)) | {len(data)})
    return [data[start:end] for start, end in itertools.pairwise(cuts)]


@dataclass(slots=True)
class Seen:
    """What one case did."""

    answers: list[Message]
    """The final answers that the client got before it closed its side."""
    interim: int
    closed: bool
    """The front door had ended the connection by then."""
    rest: bytes
    """What came to the client behind the last whole answer, in the end."""
    broken: str
    """Why that is no strict HTTP, if it is none."""
    reset: bool
    late: list[Message]
    """The final answers after the client had closed its side: to a message that then could not be finished."""
    over: bool
    """In the end the connection was over."""
    requests: list[Message]
    """What the upstream read."""
    connections: list[Recording]
    """All that the upstream was sent."""
    stray: int
    """Requests that reached the upstream after the front door had ended the connection."""

    @property
    def refusal(self) -> Message | None:
        """The answer of the front door's own, if it gave one; a recorder says nothing but 200."""
        return next((answer for answer in self.answers if answer.status >= 400), None)


async def play_request(stage: Stage, pieces: Iterable[bytes]) -> Seen:
    """Send a request case, then a good request if the front door has closed its side, else the end of the stream."""
    recorder = stage.recorder
    recorder.forget()
    wire = await Wire.open(*stage.front.address[:2])
    news: Callable[[], int] = lambda: recorder.news + wire.total + wire.over  # noqa: E731
    for piece in pieces:
        if wire.lost:
            break
        await wire.write(piece)
        await turns(TURNS)
    await calm(news)
    before, closed, reached = bytes(wire.received), wire.over, len(recorder.requests)
    if closed and not wire.lost:
        await wire.write(PROBE)
    else:
        wire.finish()
    await calm(news)
    methods = [request.method for request in recorder.requests]
    early = read_answers(before, methods, ended=closed)
    late = read_answers(bytes(wire.received), methods, ended=wire.over)
    seen = Seen(
        answers=early.final,
        interim=early.interim,
        closed=closed,
        rest=late.rest,
        broken=late.broken,
        reset=wire.error is not None,
        late=late.final[len(early.final) :],
        over=wire.over,
        requests=list(recorder.requests),
        connections=list(recorder.connections),
        stray=len(recorder.requests) - reached if closed else 0,
    )
    wire.abort()
    await calm(news)
    return seen


async def play_response(stage: Stage, data: bytes, *, then: Then, bytewise: bool) -> Answers:
    """Ask for something, and let the upstream answer with the bytes of a response case.

    ``then`` says whether the upstream closes its connection behind them, or may have more to say.
    """
    recorder = stage.recorder
    recorder.forget(Play(data, then, bytewise=bytewise))
    wire = await Wire.open(*stage.front.address[:2])
    await wire.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await calm(lambda: recorder.news + wire.total + wire.over)
    answers = read_answers(bytes(wire.received), [b"GET"], ended=wire.over)
    answers.over = wire.over
    answers.asked = len(recorder.requests)
    wire.abort()
    await calm(lambda: recorder.news)
    return answers


@dataclass(slots=True)
class Answers:
    """A stream of answers, read strictly."""

    final: list[Message]
    interim: int = 0
    rest: bytes = b""
    broken: str = ""
    over: bool = False
    """Nothing more can come."""
    asked: int = 1
    """How often the upstream was asked for it."""

    @property
    def statuses(self) -> list[int]:
        """Of the final answers."""
        return [answer.status for answer in self.final]


def read_answers(data: bytes, methods: Sequence[bytes], *, ended: bool) -> Answers:
    """Every whole answer; ``methods`` are those of the first requests."""
    answers = Answers([], rest=data)
    while answers.rest:
        number = len(answers.final)
        try:
            answer = take_answer(answers.rest, methods[number] if number < len(methods) else b"GET", ended=ended)
        except BrokenMessageError as error:
            answers.broken = str(error)
            break
        if answer is None:
            break
        answers.rest = answers.rest[len(answer.raw) :]
        if answer.status < 200 and answer.status != 101:
            answers.interim += 1
        else:
            answers.final.append(answer)
    return answers


async def in_lanes(
    start_stage: Callable[[], Awaitable[Stage]], some: Sequence[Case], play: Callable[[Stage, Case], Awaitable[None]]
) -> None:
    """Play cases on several front doors at once."""

    async def lane(stage: Stage, mine: Sequence[Case]) -> None:
        for case in mine:
            await play(stage, case)

    stages = [await start_stage() for _ in range(LANES)]
    async with asyncio.TaskGroup() as group:
        for number, stage in enumerate(stages):
            group.create_task(lane(stage, some[number::LANES]))
