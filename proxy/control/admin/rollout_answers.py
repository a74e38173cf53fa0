"""What is told of rolling deployments. Times are Unix seconds, durations seconds."""

from __future__ import annotations

from proxy.control.admin.answering import AnswerModel
from proxy.control.admin.shift_answers import GateAnswer, JudgeAnswer
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.rollout.plan import OnFailure, Order
from proxy.traffic.rollout.stages import Course, Stage
from proxy.traffic.spec import Color


class HookAnswer(AnswerModel):
    """How servers are updated."""

    kind: str
    """command, webhook, or manual: somebody says of each when it is ready."""
    argv: list[str] | None
    """The program and its arguments."""
    env: list[str] | None
    """The names of the variables that it gets; their values may be secret."""
    url: str | None
    """Without what may be secret in it: user, password and query."""
    timeout: float | None


class DetectAnswer(AnswerModel):
    """Where a server says what version it runs."""

    header: str | None
    path: str | None


class ReadinessAnswer(AnswerModel):
    """When an updated server may serve again."""

    consecutive: int
    """So many good checks in a row."""
    timeout: float


class SlowStartAnswer(AnswerModel):
    """How the weight of a returning server grows."""

    over: float
    floor: float
    exponent: float


class RolloutPlanAnswer(AnswerModel):
    """What was asked for."""

    batch: int | str
    """So many servers at a time, or a share of the pool's."""
    min_available: int | str
    first_batch: int | str | None
    first_watch: float
    order: Order
    drain_timeout: float | None
    """null: by the drain rule of the service."""
    update: HookAnswer
    version: str | None
    previous_version: str | None
    detect: DetectAnswer | None
    health: ReadinessAnswer
    slow_start: SlowStartAnswer
    watch: float
    judge: bool
    gates: list[GateAnswer]
    on_failure: OnFailure


class ServerAnswer(AnswerModel):
    """How far one server is."""

    address: str
    was: str | None
    """Where it was before the hook gave it another address."""
    stage: Stage
    since: float
    """When that began."""
    batch: int
    """The number of its batch; 0 before it has one."""
    version_before: str | None
    """What it ran before it was touched, if that was looked at."""
    version: str | None
    """What it runs now, if that was looked at."""
    why: str | None
    """In words, what spoke against it."""
    in_flight: int
    ramp: float
    """The share of its weight that it has now; 0 while it is kept out."""
    eta: float | None
    """Seconds until it is done; null: not known yet, or it waits for somebody."""


class RolloutAnswer(AnswerModel):
    """The plan of a rolling deployment, and how far it is."""

    color: Color
    course: Course
    """Where it is heading: rolling, aborting (the batch under way is finished), restoring, or how it ended."""
    plan: RolloutPlanAnswer
    batch: int
    """The number of the batch that is being worked on, or was last."""
    batches: int
    """So many there will have been, if nothing makes one smaller."""
    stage: Stage | None
    """How far that batch is; null: there is none under way."""
    servers: list[ServerAnswer]
    hindrance: Hindrance | None
    """Why no batch begins: operator, approval or capacity. null: it goes on, or it is over."""
    why: str | None
    """In words, what went wrong, or why it waits."""
    available: int
    """So many servers of the color are in rotation and healthy."""
    min_available: int
    """So many have to be."""
    judge: JudgeAnswer | None
    """null: nothing has been said yet."""
    elapsed: float
    """Seconds since it was started."""
    eta: float | None
    """Seconds until the last server is done if nothing hinders it; null: not known yet, or it waits for somebody."""
    eta_at: float | None
    """When that is."""
