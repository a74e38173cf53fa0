"""Everything that can be asked of the state. A command is a value; :mod:`proxy.traffic.reducer` gives it a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.traffic.model import Health, OperationState, Receipt
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


OperatorCommand = (
    Switch | SetSplit | Rollback | Abort | ReplacePool | AddUpstream | ChangeUpstream | RemoveUpstream | Configure
)
"""What is kept on disk and in the journal, because somebody wanted it."""

Observation = ObserveHealth | ObserveEjection | MarkApplied | EndOperation
"""What was merely noticed."""

Command = OperatorCommand | Observation
