"""Everything that can be asked of the state. A command is a value; :mod:`proxy.traffic.reducer` gives it a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.traffic.audience import HoldRule
from proxy.traffic.gates import Gates
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.judgement import Tally
from proxy.traffic.model import Health, OperationState, Receipt
from proxy.traffic.rollout.commands import (
    AgeBatch,
    EndRollout,
    MarkReady,
    MoveBatch,
    OpenBatch,
    StartRollout,
    TakeBatch,
)
from proxy.traffic.shift import Position, Step
from proxy.traffic.spec import AdminState, Color, DoorSpec, ServiceSpec


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, when (Unix seconds) and why, and which revision they believe is current (``None``: any)."""

    now: float
    by: str
    reason: str | None = None
    expected_revision: int | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """Move all traffic of a service to one color."""

    service: str
    to: Color
    force: bool = False
    exclusive: HoldRule | None = None
    """Park new requests like this until the old color is drained, and only then move; ``None``: move at once."""


@dataclass(frozen=True, slots=True)
class StartShift:
    """Move traffic gradually: linearly to ``target`` in ``over`` seconds, or by ``steps``."""

    service: str
    to: Color
    target: int
    """Green's share at the end, in hundredths of a percent."""
    over: float = 0.0
    steps: tuple[Step, ...] = ()
    gates: Gates = field(default_factory=Gates)
    judged: bool = True
    settle: float | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Let a shift stay where it is; let a rollout end its batch and begin no other."""

    operation: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Let what is paused go on, whatever it waited for."""

    operation: str
    only: Hindrance | None = None
    """Only if it waits for this."""


@dataclass(frozen=True, slots=True)
class Promote:
    """Let a shift go to its next step now, a rollout to its next batch; ``full``: without stopping there again."""

    operation: str
    full: bool = False
    baseline: Tally | None = None
    """What the old color has done since the shift began, for the time after it; kept if the shift is at its end now."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The judge, a gate, a check or a hook has spoken against it. ``why`` is a sentence.

    A shift ends and goes back to where it began; a rollout does with its batch what its plan says.
    """

    operation: str
    why: str


@dataclass(frozen=True, slots=True)
class FailWarmth:
    """The judge has spoken against a color to which all traffic was moved lately: go back. ``why`` is a sentence."""

    service: str
    operation: str
    """The shift that moved it."""
    why: str


@dataclass(frozen=True, slots=True)
class Hinder:
    """Something else than an operator lets an operation wait. ``why`` is a sentence."""

    operation: str
    hindrance: Hindrance
    why: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Park new requests of a service."""

    service: str
    rule: HoldRule


@dataclass(frozen=True, slots=True)
class Release:
    """Let parked requests go, and park no more."""

    service: str


@dataclass(frozen=True, slots=True)
class SetMaintenance:
    """Answer users with a page; ``None`` ends that."""

    service: str
    message: str | None


@dataclass(frozen=True, slots=True)
class SetSplit:
    """Set green's share, in hundredths of a percent."""

    service: str
    split: int
    force: bool = False


@dataclass(frozen=True, slots=True)
class Rollback:
    """Go back to the split before the last operation, ending a running one."""

    service: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Abort:
    """End a running operation and go back to where it began."""

    operation: str


@dataclass(frozen=True, slots=True)
class UpstreamWill:
    """One upstream as an operator wants it."""

    address: str
    weight: int = 1
    admin: AdminState = AdminState.READY


@dataclass(frozen=True, slots=True)
class ReplacePool:
    """Give a color another list of upstreams. ``health`` is what probing the new ones beforehand has shown."""

    service: str
    color: Color
    upstreams: tuple[UpstreamWill, ...]
    health: Mapping[str, Health] = field(default_factory=dict)
    force: bool = False


@dataclass(frozen=True, slots=True)
class AddUpstream:
    """Add one upstream to a color; it serves once it has been probed."""

    service: str
    color: Color
    upstream: UpstreamWill


@dataclass(frozen=True, slots=True)
class ChangeUpstream:
    """Change an upstream's weight or administrative state; ``None`` leaves a thing as it is."""

    service: str
    color: Color
    address: str
    weight: int | None = None
    admin: AdminState | None = None


@dataclass(frozen=True, slots=True)
class RemoveUpstream:
    """Take an upstream out of a color for good; what is in flight there ends by itself."""

    service: str
    color: Color
    address: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Configure:
    """Serve what a newly read config file says."""

    door: DoorSpec
    services: tuple[ServiceSpec, ...]


@dataclass(frozen=True, slots=True)
class ObserveHealth:
    """Active checks came to a verdict about one upstream."""

    service: str
    color: Color
    address: str
    health: Health


@dataclass(frozen=True, slots=True)
class ObserveEjection:
    """An upstream was taken out because real requests failed there, or let in again."""

    service: str
    color: Color
    address: str
    ejected: bool


@dataclass(frozen=True, slots=True)
class MarkApplied:
    """Every worker has shown that it serves from the operation's table."""

    operation: str
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class EndOperation:
    """The operation is over; the state of the traffic stays as it is."""

    operation: str
    state: OperationState
    receipt: Receipt | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class AdvanceShift:
    """A shift that stood at ``before`` stands at ``after`` now."""

    operation: str
    before: Position
    after: Position
    baseline: Tally | None = None
    """What the old color has done since the shift began; it is kept for the time afterwards."""


@dataclass(frozen=True, slots=True)
class EndSettled:
    """Nobody's session is left, or the time for them is over: during a shift of new users, all follow the split."""

    operation: str


@dataclass(frozen=True, slots=True)
class FlipExclusive:
    """Nothing is in flight any more: move all traffic of an exclusive switch, and release what is parked."""

    operation: str


@dataclass(frozen=True, slots=True)
class GiveUpExclusive:
    """An exclusive switch took too long to drain: release what is parked to the old color. ``why`` is a sentence."""

    operation: str
    why: str


@dataclass(frozen=True, slots=True)
class CoolDown:
    """The time in which a new color was watched after a shift is over."""

    service: str


OperatorCommand = (
    Switch
    | StartShift
    | Pause
    | Resume
    | Promote
    | Hinder
    | Fail
    | FailWarmth
    | StartRollout
    | MarkReady
    | SetSplit
    | Rollback
    | Abort
    | Hold
    | Release
    | SetMaintenance
    | ReplacePool
    | AddUpstream
    | ChangeUpstream
    | RemoveUpstream
    | Configure
)
"""What is kept on disk and in the journal, because somebody, or the judge for them, decided it."""

Advance = (
    AdvanceShift
    | EndSettled
    | FlipExclusive
    | GiveUpExclusive
    | CoolDown
    | OpenBatch
    | TakeBatch
    | MoveBatch
    | AgeBatch
    | EndRollout
)
"""What an operation does on its way: it is kept on disk before it is served, and the journal has nothing of it."""

Observation = ObserveHealth | ObserveEjection | MarkApplied | EndOperation
"""What was merely noticed."""

Command = OperatorCommand | Advance | Observation
