"""What somebody asks for who has a pool updated. Times are seconds, shares fractions of one."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field

from proxy.traffic.gates import Gates


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of servers, or a share of the pool's."""

    count: int | None = None
    share: float | None = None
    """0 to 1."""

    def at_most(self, total: int) -> int:
        """So many of ``total``; a share is rounded down."""
        if self.count is not None:
            return min(self.count, total)
        return math.floor((self.share or 0.0) * total + 1e-9)

    def at_least(self, total: int) -> int:
        """The same, rounded up."""
        if self.count is not None:
            return min(self.count, total)
        return math.ceil((self.share or 0.0) * total - 1e-9)


@dataclass(frozen=True, slots=True)
class CommandHook:
    """A program that is run here for each batch."""

    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    """Added to its environment."""
    timeout: float = 600.0


@dataclass(frozen=True, slots=True)
class WebhookHook:
    """A POST for each batch, that is answered with 2xx when all is done, or with a place where to ask for that."""

    url: str
    timeout: float = 600.0
    """In all, with asking again and again."""


@dataclass(frozen=True, slots=True)
class ManualHook:
    """Nobody is told: somebody says of each server when it is ready."""


Hook = CommandHook | WebhookHook | ManualHook


@dataclass(frozen=True, slots=True)
class VersionProbe:
    """How to learn what version a server runs: a field of an answer, or else its body."""

    path: str | None = None
    """``None``: where its health is checked."""
    header: str | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """When an updated server may serve again."""

    consecutive: int = 3
    """So many good checks in a row."""
    timeout: float = 120.0
    """It has so long to get there."""


@dataclass(frozen=True, slots=True)
class SlowStart:
    """How the weight of a returning server grows: ``max(floor, (t / over) ** exponent)`` of its own."""

    over: float = 30.0
    floor: float = 0.1
    exponent: float = 1.0


class Order(enum.StrEnum):
    """Whose turn comes first."""

    AS_LISTED = "as_listed"
    LEAST_LOADED = "least_loaded"


class OnFailure(enum.StrEnum):
    """What is done when a batch turns out bad."""

    STOP = "stop"
    """It stays out, everything else as it is."""
    RESTORE = "restore"
    """Every server that was touched gets the previous version back, the last one first."""


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """All of it."""

    hook: Hook = field(default_factory=ManualHook)
    batch: Amount = Amount(count=1)
    min_available: Amount = Amount(share=0.5)
    """So many have to be in rotation and healthy at any time."""
    first_batch: Amount | None = None
    """``None``: like the others."""
    first_watch: float = 120.0
    order: Order = Order.AS_LISTED
    drain_timeout: float | None = None
    """After this everything that is still in flight is cut; ``None``: by the drain rule of the service."""
    readiness: Readiness = field(default_factory=Readiness)
    slow_start: SlowStart = field(default_factory=SlowStart)
    watch: float = 30.0
    judged: bool = True
    """Whether updated servers are compared with the others."""
    gates: Gates = field(default_factory=Gates)
    on_failure: OnFailure = OnFailure.STOP
    version: str | None = None
    """What the servers are updated to; hooks are told."""
    previous_version: str | None = None
    """What they ran before, for hooks that restore, where it is not detected."""
    detect: VersionProbe | None = None
    """``None``: versions are not looked at."""
