"""What calls are answered with. Times are Unix seconds, shares are percent. Clients rely on the names of the fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from proxy.traffic.model import OperationKind, OperationState, Phase
from proxy.traffic.spec import AdminState, Color


class _Answer(BaseModel):
    # Required although some have a default: what is always there need not be looked for.
    model_config = ConfigDict(use_attribute_docstrings=True, json_schema_serialization_defaults_required=True)


class Shares(_Answer):
    """What share of the requests each color gets, in percent."""

    blue: float
    green: float


class Flow(_Answer):
    """What a color is busy with now."""

    requests: int
    tunnels: int
    """Upgraded connections and event streams."""


class UpstreamAnswer(_Answer):
    """One server of a pool: what is wanted of it, and what was observed."""

    address: str
    weight: int
    admin: AdminState
    health: str
    """unknown, healthy, unhealthy, or ejected because real requests failed there."""
    in_flight: int


class PoolAnswer(_Answer):
    """The servers of one color."""

    in_flight: Flow
    upstreams: list[UpstreamAnswer]


class Pools(_Answer):
    """Both colors."""

    blue: PoolAnswer
    green: PoolAnswer


class WorkersAnswer(_Answer):
    """How many workers there are, and how many of them serve from the newest table."""

    total: int
    applied: int


class Progress(_Answer):
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


class ReceiptAnswer(_Answer):
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


class Left(_Answer):
    """Something that an operation takes the traffic from: a color, or one upstream of it."""

    color: Color
    upstream: str | None


class OperationAnswer(_Answer):
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
    """In words, how it ended when that is not plain success."""
    progress: Progress
    receipt: ReceiptAnswer | None


class ServiceAnswer(_Answer):
    """One application behind the front door: desired and observed."""

    name: str
    revision: int
    """Grows when an operator changes what is wanted; it is also the ETag."""
    generation: int
    """Of the routing table, which all services share."""
    live: Color
    split: Shares
    state: str
    pools: Pools
    workers: WorkersAnswer
    operation: OperationAnswer | None
    """The running operation that moves its traffic."""


class ServicesAnswer(_Answer):
    """All services, in the order of the config file."""

    services: list[ServiceAnswer]


class ChangeAnswer(_Answer):
    """One thing that became another."""

    path: str
    before: str | int | float | bool | None
    after: str | int | float | bool | None


class WantedUpstream(_Answer):
    """What is wanted of an upstream."""

    address: str
    weight: int
    admin: AdminState


class WantedPools(_Answer):
    """What is wanted of both colors."""

    blue: list[WantedUpstream]
    green: list[WantedUpstream]


class Wanted(_Answer):
    """What operators want of a service."""

    revision: int
    live: Color
    split: Shares
    pools: WantedPools


class PlanAnswer(_Answer):
    """What a change would do. Nothing was changed."""

    dry_run: bool
    service: str
    changes: list[ChangeAnswer]
    before: Wanted
    after: Wanted


class OperationsAnswer(_Answer):
    """Operations, newest first."""

    operations: list[OperationAnswer]
    next_before: str | None
    """``before`` for the next page; null at the end."""


class EntryAnswer(_Answer):
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


class HistoryAnswer(_Answer):
    """Entries of the history, newest first."""

    entries: list[EntryAnswer]
    next_before: int | None
    """``before`` for the next page; null at the end."""


class ReloadAnswer(_Answer):
    """What became of reading the config file again."""

    ok: bool
    at: float
    by: str
    problems: list[str]
    """What is wrong with the file, a line each: the old one goes on being served."""


class LastReloadAnswer(_Answer):
    """The last time that the config file was read again."""

    last: ReloadAnswer | None
    """null: not since the program started."""


class ProbeAnswer(_Answer):
    """A good answer to a probe."""

    status: str


class ProblemAnswer(_Answer):
    """A problem document (RFC 9457). Match on ``code``; ``detail`` is for people."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
