"""The state of the traffic: what operators want, what was observed, and the operations under way.

Two rules hold everywhere. Will and observation are separate fields (``admin`` against ``health`` and ``ejected``), and
a split is a whole number of hundredths of a percent, so that sums are exact.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from proxy.traffic.audience import HoldRule, Settled
from proxy.traffic.gates import Gates
from proxy.traffic.judgement import Tally
from proxy.traffic.rollout.rollout import Rollout
from proxy.traffic.shift import Shift
from proxy.traffic.spec import AdminState, Color, DoorSpec, ServiceSpec

FULL_SPLIT: Final = 10_000
"""Everything: the split is counted in hundredths of a percent."""

MAX_WEIGHT: Final = 256
"""The largest weight of an upstream."""


class Health(enum.StrEnum):
    """What the active checks say of an upstream."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Cohort(enum.StrEnum):
    """Whether a rollout has updated an upstream of its pool; as long as it goes on, both kinds are counted apart."""

    NONE = ""
    OLD = "old"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server of a pool: ``weight`` and ``admin`` are wanted of it, ``health`` and ``ejected`` were observed."""

    address: str
    weight: int = 1
    admin: AdminState = AdminState.READY
    health: Health = Health.UNKNOWN
    ejected: bool = False
    cordoned: bool = False
    """Whether a rollout keeps it out of rotation."""
    ramp: float = 1.0
    """The share of its weight that it has meanwhile, where it comes back from a rollout."""
    cohort: Cohort = Cohort.NONE

    @property
    def wanted(self) -> bool:
        """Whether new requests are meant to go here: the operator wants it, and no rollout keeps it out."""
        return self.admin is AdminState.READY and self.weight > 0 and not self.cordoned

    @property
    def fit(self) -> bool:
        """Whether nothing observed speaks against it."""
        return self.health is Health.HEALTHY and not self.ejected


Pool = tuple[Upstream, ...]


class OperationKind(enum.StrEnum):
    """What an operation does."""

    SWITCH = "switch"
    SPLIT = "split"
    SHIFT = "shift"
    ROLLBACK = "rollback"
    DRAIN = "drain"
    HOLD = "hold"
    ROLL = "roll"


class OperationState(enum.StrEnum):
    """How far an operation is, in the words of the admin API."""

    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled_back"


class Phase(enum.StrEnum):
    """What a running operation is waiting for."""

    SHIFTING = "shifting"
    """It moves traffic step by step."""
    ROLLING = "rolling"
    """It updates servers, some at a time."""
    HOLDING = "holding"
    """New requests are parked."""
    APPLYING = "applying"
    """Some worker has not yet shown that it serves from the new table."""
    DRAINING = "draining"
    """All workers serve from the new table; what began before is being finished."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an operation did to requests, counted by the workers. Times are milliseconds or Unix seconds."""

    generation: int
    applied_at: float | None = None
    spread_ms: float | None = None
    in_flight_at_flip: int = 0
    finished_on_old: int = 0
    retried: int = 0
    cut_by_proxy: int = 0
    cut_by_client: int = 0
    failed: int = 0
    dropped: int = 0
    longest_ms: float | None = None
    drained_at: float | None = None
    served_by_new: int | None = None
    """Requests that the color which gained traffic, or the servers that are updated, have answered meanwhile; counted
    of shifts and rollouts."""
    errors_on_new: int | None = None
    """Of these, with 5xx."""
    errors_on_old: int | None = None
    """Answers with 5xx of a color that was left, until it was drained: since the flip or, where the operation undoes a
    shift, since that shift's receipt was closed. Counted of operations that leave a color. Of rollouts: of the servers
    that were not updated, all the time."""
    held: int | None = None
    """Requests that came while they were held; counted of holds and exclusive switches."""
    held_too_long: int | None = None
    """Of these, answered with 503 because of a bound of the hold."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that an operator started and that takes its time."""

    id: str
    service: str
    kind: OperationKind
    by: str
    reason: str | None
    started_at: float
    before: int
    """Green's share before, in hundredths of a percent."""
    after: int
    """Green's share that it moves to."""
    leaving: tuple[tuple[Color, str | None], ...]
    """What has to drain: a color (with ``None``) or single upstreams of it."""
    state: OperationState = OperationState.RUNNING
    phase: Phase = Phase.APPLYING
    ended_at: float | None = None
    receipt: Receipt | None = None
    note: str | None = None
    """In words, how it ended when that is not plain success, or why it is paused."""
    shift: Shift | None = None
    """The plan of a shift, and how far it is."""
    rollout: Rollout | None = None
    """What is updated how, and how far that is."""
    exclusive: bool = False
    """Whether a switch parks new requests until the old color is drained, so that never two versions serve at once."""

    @property
    def moves_traffic(self) -> bool:
        """Whether it changes the split, as opposed to draining or updating upstreams, or holding requests."""
        return self.kind not in (OperationKind.DRAIN, OperationKind.HOLD, OperationKind.ROLL)

    @property
    def gates(self) -> Gates:
        """What else has to agree before it goes on; only what goes on by itself has any."""
        if self.shift is not None:
            return self.shift.gates
        return self.rollout.plan.gates if self.rollout is not None else Gates()

    @property
    def gaining(self) -> Color:
        """The color that has more of the traffic afterwards."""
        return Color.GREEN if self.after > self.before else Color.BLUE


@dataclass(frozen=True, slots=True)
class Warmth:
    """The time after a shift in which the new color is watched on, against what the old one did before."""

    operation: str
    """The shift."""
    until: float
    """Unix seconds."""
    before: int
    """Green's share before the shift, in hundredths of a percent: where a bad verdict returns to."""
    baseline: Tally | None = None
    """What the old color did during the shift; ``None`` where it was not counted."""


@dataclass(frozen=True, slots=True)
class Service:
    """One application: the operator's will, with what was observed of each upstream beside it."""

    spec: ServiceSpec
    blue: Pool
    green: Pool
    split: int
    """Green's share in hundredths of a percent, 0 to 10,000."""
    revision: int = 1
    previous_split: int | None = None
    """The split before the last operation; what a rollback returns to."""
    hold: HoldRule | None = None
    """How new requests are parked, if they are."""
    maintenance: str | None = None
    """What users are told instead of being served; ``None``: they are served."""
    settled: Settled | None = None
    """Who stays on the old color during a shift of new users only."""

    @property
    def name(self) -> str:
        """The name it has in the config file."""
        return self.spec.name

    @property
    def live(self) -> Color:
        """The color with more than half of the traffic; at exactly half, blue."""
        return Color.GREEN if self.split * 2 > FULL_SPLIT else Color.BLUE

    def pool(self, color: Color) -> Pool:
        """The upstreams of one color, in the operator's order."""
        return self.blue if color is Color.BLUE else self.green

    def share(self, color: Color) -> int:
        """One color's share of the requests, in hundredths of a percent."""
        return self.split if color is Color.GREEN else FULL_SPLIT - self.split


@dataclass(frozen=True, slots=True)
class State:
    """Everything that decides where a request goes, and the operations under way."""

    door: DoorSpec = field(default_factory=DoorSpec)
    services: Mapping[str, Service] = field(default_factory=dict)
    operations: Mapping[str, Operation] = field(default_factory=dict)
    """The running ones, by id; ended ones are in the journal."""
    warm: Mapping[str, Warmth] = field(default_factory=dict)
    """The services that are watched on after a shift, by name."""
    generation: int = 0
    next_operation: int = 1
    secret: str = field(default="", repr=False)
    """Hexadecimal digits that nobody else knows: the key of buckets and cookies. It stays the same for ever."""

    def operation_of(self, service: str) -> Operation | None:
        """The running operation that moves a service's traffic, if there is one."""
        for operation in self.operations.values():
            if operation.service == service and operation.moves_traffic:
                return operation
        return None

    def rollout_of(self, service: str) -> Operation | None:
        """The operation that updates servers of a service now, if there is one."""
        for operation in self.operations.values():
            if operation.service == service and operation.rollout is not None:
                return operation
        return None
