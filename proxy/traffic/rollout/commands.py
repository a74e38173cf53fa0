"""Everything that can be asked of a rolling deployment by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.traffic.model import Receipt
from proxy.traffic.rollout.plan import RolloutPlan
from proxy.traffic.rollout.stages import Event, Stage
from proxy.traffic.spec import Color


@dataclass(frozen=True, slots=True)
class StartRollout:
    """Have the servers of one color updated, some at a time."""

    service: str
    color: Color
    plan: RolloutPlan
    force: bool = False
    """Though too few, or none, are left to serve meanwhile."""


@dataclass(frozen=True, slots=True)
class MarkReady:
    """Somebody says that a server which is updated by hand is ready, perhaps at another address."""

    operation: str
    address: str
    moved_to: str | None = None


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """The gates before the next batch of a rollout have opened."""

    operation: str


@dataclass(frozen=True, slots=True)
class TakeBatch:
    """Take these servers out of rotation: the next batch of a rollout."""

    operation: str
    addresses: tuple[str, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    """What they run now, by address, where that was looked at."""


@dataclass(frozen=True, slots=True)
class MoveBatch:
    """The same has happened to all servers of a rollout's batch that were ``at`` a stage."""

    operation: str
    at: Stage
    event: Event
    moved: Mapping[str, str] = field(default_factory=dict)
    """New addresses by old ones, for those that came back elsewhere."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """What they run now, by (new) address, where that was looked at."""
    receipt: Receipt | None = None
    """Of the batch alone, where it has drained."""


@dataclass(frozen=True, slots=True)
class AgeBatch:
    """Time has passed for a rollout's batch: so many seconds has it been warming, and watched."""

    operation: str
    batch: int
    warmed: float
    watched: float


@dataclass(frozen=True, slots=True)
class EndRollout:
    """No server is left to do."""

    operation: str
    receipt: Receipt | None = None


RolloutCommand = StartRollout | MarkReady | OpenBatch | TakeBatch | MoveBatch | AgeBatch | EndRollout
