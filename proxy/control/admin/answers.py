"""What calls are answered with. Times are Unix seconds, shares are percent. Clients rely on the names of the fields."""

from __future__ import annotations

from pydantic import ConfigDict

from proxy.control.admin.answering import AnswerModel, Shares
from proxy.control.admin.forecast_answers import ConflictAnswer, ForecastAnswer
from proxy.control.admin.rollout_answers import RolloutAnswer
from proxy.control.admin.shift_answers import ShiftAnswer
from proxy.traffic.model import OperationKind, OperationState, Phase
from proxy.traffic.rollout.stages import Stage
from proxy.traffic.spec import AdminState, Color


class Flow(AnswerModel):
    """What a color is busy with now."""

    requests: int
    tunnels: int
    """Upgraded connections and event streams."""


class UpstreamAnswer(AnswerModel):
    """One server of a pool: what is wanted of it, and what was observed."""

    address: str
    weight: int
    admin: AdminState
    health: str
    """unknown, healthy, unhealthy, or ejected because real requests failed there."""
    in_flight: int
    cordoned: bool
    """Whether a rolling deployment keeps it out of rotation."""
    ramp: float
    """The share of its weight that it has now, where it comes back from one; else 1."""
    stage: Stage | None
    """How far a rolling deployment is with it; null: none runs here."""


class PoolAnswer(AnswerModel):
    """The servers of one color."""

    in_flight: Flow
    upstreams: list[UpstreamAnswer]


class Pools(AnswerModel):
    """Both colors."""

    blue: PoolAnswer
    green: PoolAnswer


class WorkersAnswer(AnswerModel):
    """How many workers there are, and how many of them serve from the newest table."""

    total: int
    applied: int


class Progress(AnswerModel):
    """How far an operation is."""

    phase: Phase
    seen_by: int
    """So many workers serve from its table."""
    workers: int
    """So many workers there are."""
    in_flight: int
    """Requests still running on what it leaves."""
    tunnels: int
    """Upgraded connections and event streams still there."""
    deadline_at: float | None
    """When requests that still run are cut."""
    tunnels_deadline_at: float | None
    """When tunnels and event streams are cut."""


class ReceiptAnswer(AnswerModel):
    """What an operation did to requests, counted."""

    model_config = ConfigDict(from_attributes=True)

    generation: int
    applied_at: float | None
    spread_ms: float | None
    """From publishing the table to the last worker's acknowledgement."""
    in_flight_at_flip: int
    finished_on_old: int
    retried: int
    cut_by_proxy: int
    cut_by_client: int
    failed: int
    dropped: int
    """Lost by the proxy's own fault. The promise is 0."""
    longest_ms: float | None
    drained_at: float | None
    served_by_new: int | None
    """Requests that the color which gained traffic answered meanwhile; null where they are not counted."""
    errors_on_new: int | None
    """Of these, with 5xx."""
    errors_on_old: int | None
    """Answers with 5xx of the color that was left, until it was drained: since the flip or, of what undoes a shift,
    since that shift's receipt. null where no color was left."""
    held: int | None
    """Requests that came while they were held; null where none are."""
    held_too_long: int | None
    """Of these, answered with 503 because of a bound of the hold."""


class Left(AnswerModel):
    """Something that an operation takes the traffic from: a color, or one upstream of it."""

    color: Color
    upstream: str | None


class OperationAnswer(AnswerModel):
    """Something that an operator started and that takes its time."""

    id: str
    service: str
    kind: OperationKind
    state: OperationState
    by: str
    reason: str | None
    started_at: float
    ended_at: float | None
    before: Shares
    after: Shares
    leaving: list[Left]
    """What has to drain."""
    note: str | None
    """In words, how it ended when that is not plain success, or why it waits."""
    progress: Progress
    shift: ShiftAnswer | None
    """The plan of a shift, and where it stands; null for other kinds."""
    rollout: RolloutAnswer | None
    """The plan of a rolling deployment, and how far it is; null for other kinds."""
    receipt: ReceiptAnswer | None


class WarmAnswer(AnswerModel):
    """The time after a shift in which the new color is still watched, and goes back when it turns out to be worse."""

    operation: str
    """The shift."""
    until: float
    rollback_to: Shares
    """What a rollback would return to."""


class HoldAnswer(AnswerModel):
    """How new requests are held."""

    max_wait: float
    """Seconds."""
    max_requests: int
    max_bytes: int
    unsafe_only: bool
    """Whether what only looks is served."""
    operation: str | None
    """The operation that holds them."""


class ServiceAnswer(AnswerModel):
    """One application behind the front door: desired and observed."""

    name: str
    revision: int
    """Grows when an operator changes what is wanted; it is also the ETag."""
    generation: int
    """Of the routing table, which all services share."""
    live: Color
    split: Shares
    state: str
    """serving, held (new requests wait) or maintenance (users get a page)."""
    held: int
    """So many requests wait just now."""
    hold: HoldAnswer | None
    maintenance: str | None
    """What users are told instead of being served."""
    pools: Pools
    workers: WorkersAnswer
    operation: OperationAnswer | None
    """The running operation that moves its traffic, or else the one that updates servers."""
    warm: WarmAnswer | None
    """null: no shift has ended lately."""


class ServicesAnswer(AnswerModel):
    """All services, in the order of the config file."""

    services: list[ServiceAnswer]


class ChangeAnswer(AnswerModel):
    """One thing that became another."""

    path: str
    before: str | int | float | bool | None
    after: str | int | float | bool | None


class WantedUpstream(AnswerModel):
    """What is wanted of an upstream."""

    address: str
    weight: int
    admin: AdminState


class WantedPools(AnswerModel):
    """What is wanted of both colors."""

    blue: list[WantedUpstream]
    green: list[WantedUpstream]


class Wanted(AnswerModel):
    """What operators want of a service."""

    revision: int
    live: Color
    split: Shares
    pools: WantedPools


class PlanAnswer(AnswerModel):
    """What a change would do. Nothing was changed."""

    dry_run: bool
    service: str
    changes: list[ChangeAnswer]
    before: Wanted
    after: Wanted
    conflict: ConflictAnswer | None
    """The running operation for which the call itself would be refused; null: none."""
    forecast: ForecastAnswer


class OperationsAnswer(AnswerModel):
    """Operations, newest first."""

    operations: list[OperationAnswer]
    next_before: str | None
    """``before`` for the next page; null at the end."""


class EntryAnswer(AnswerModel):
    """Who changed what, when and why."""

    id: int
    at: float
    by: str
    reason: str | None
    service: str | None
    """null: all of them."""
    action: str
    operation: str | None
    changes: list[ChangeAnswer]
    generation: int
    revision: int | None
    """The service's, afterwards."""


class HistoryAnswer(AnswerModel):
    """Entries of the history, newest first."""

    entries: list[EntryAnswer]
    next_before: int | None
    """``before`` for the next page; null at the end."""


class ReloadAnswer(AnswerModel):
    """What became of reading the config file again."""

    ok: bool
    at: float
    by: str
    problems: list[str]
    """What is wrong with the file, a line each: the old one goes on being served."""


class LastReloadAnswer(AnswerModel):
    """The last time that the config file was read again."""

    last: ReloadAnswer | None
    """null: not since the program started."""


class ProbeAnswer(AnswerModel):
    """A good answer to a probe."""

    status: str


class ProblemAnswer(AnswerModel):
    """A problem document (RFC 9457). Match on ``code``; ``detail`` is for people."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
