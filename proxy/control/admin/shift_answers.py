"""What is told of shifts. Shares are percent, of the color that gains."""

from __future__ import annotations

from proxy.control.admin.answering import AnswerModel
from proxy.traffic.gates import Moment
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.judgement import Finding
from proxy.traffic.spec import Color


class StepAnswer(AnswerModel):
    """One step of a shift."""

    percent: float
    """The share at its end."""
    over: float
    """Seconds in which it gets there; 0 is at once."""
    pause: float | None
    """Seconds it then rests; null: until it is promoted."""


class GateAnswer(AnswerModel):
    """Something that has to agree, or is told."""

    kind: str
    """webhook, prometheus or approval."""
    url: str | None
    """Without what may be secret in it: user, password and query."""
    query: str | None
    """Of Prometheus."""
    at: list[Moment]


class JudgeAnswer(AnswerModel):
    """What the judge last said of the new color."""

    finding: Finding
    words: str
    requests: int
    """So many requests of the new color it rests on."""
    needed: int | None
    """About so many more it takes to tell."""


class ShiftAnswer(AnswerModel):
    """The plan of a shift, and where it stands."""

    to: Color
    """The color that gains."""
    percent: float
    """Its share now."""
    target: float
    """Its share at the end."""
    step: int
    """The number of the step it is in, from 1."""
    steps: list[StepAnswer]
    hindrance: Hindrance | None
    """Why it waits: operator, step (it is to be promoted), approval or judge. null: it goes on, or it is over."""
    why: str | None
    """The same in words."""
    judged: bool
    """Whether it goes back by itself when the new color is worse."""
    judge: JudgeAnswer | None
    """null: nothing has been said yet."""
    gates: list[GateAnswer]
    settled_left: int | None
    """So many users still have a session that keeps them on the old color; null: that was not asked for."""
    elapsed: float
    """Seconds since it was started."""
    eta: float | None
    """Seconds until the traffic has moved if nothing hinders it; null: it waits, or will wait, for somebody."""
    eta_at: float | None
    """When that is, in Unix seconds."""
