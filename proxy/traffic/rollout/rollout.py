"""A rolling deployment: the plan, and how far each server is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from proxy.traffic.hindrance import Hindrance
from proxy.traffic.rollout.plan import RolloutPlan
from proxy.traffic.rollout.stages import TOUCHED, TURNS, UNDER_WAY, Course, Event, Stage
from proxy.traffic.spec import Color


@dataclass(frozen=True, slots=True)
class Turn:
    """One server's way through it."""

    address: str
    """Where it is now."""
    stage: Stage = Stage.SERVING
    since: float = 0.0
    """Unix seconds: when that began."""
    batch: int = 0
    """The number of its batch; 0 before it had one."""
    was: str | None = None
    """Where it was before the hook gave it another address."""
    before: str | None = None
    """The version that it ran before it was touched for the first time, if that was looked at."""
    version: str | None = None
    """The version that it runs now, if that was looked at."""
    why: str | None = None
    """In words, what spoke against it."""

    def on(self, event: Event, now: float) -> Turn:
        """The turn after something happened. Raises ``KeyError`` where that cannot happen."""
        return replace(self, stage=TURNS[self.stage, event], since=now)


@dataclass(frozen=True, slots=True)
class Rollout:
    """The plan for one color, and how far it has been carried out."""

    color: Color
    plan: RolloutPlan
    turns: tuple[Turn, ...]
    """In the order in which they come."""
    course: Course = Course.ROLLING
    undoing: bool = False
    """Whether servers are brought back to what they ran before: while it restores, and what an abort finishes then."""
    batch: int = 0
    """The number of the batch that is being worked on, or was last."""
    opened: bool = False
    """Whether the gates before the next batch have opened."""
    warmed: float = 0.0
    """Seconds for which the batch has been back, with growing weight."""
    watched: float = 0.0
    """Seconds for which it has been watched."""
    unwatched: bool = False
    """Whether an operator wants no batch to be watched any more."""
    forced: bool = False
    """Whether an operator wants it to go on though too few, or none, are left to serve."""
    hindrance: Hindrance | None = None
    why: str | None = None
    """In words, what went wrong, once something has."""

    @property
    def under_way(self) -> tuple[Turn, ...]:
        """The batch that is being worked on; between two batches there is none."""
        return tuple(turn for turn in self.turns if turn.stage in UNDER_WAY)

    @property
    def stage(self) -> Stage | None:
        """How far that batch is: as far as the last of its servers. ``None``: there is none."""
        order = list(Stage)
        return min((turn.stage for turn in self.under_way), key=order.index, default=None)

    @property
    def to_do(self) -> tuple[Turn, ...]:
        """Those whose turn is still to come."""
        if self.course is Course.ABORTING:
            return ()
        back = self.course is Course.RESTORING  # those that never were in a batch are as they were
        return tuple(t for t in self.turns if t.stage is Stage.SERVING and (t.batch > 0 or not back))

    @property
    def watch(self) -> float:
        """Seconds for which this batch is to be watched."""
        if self.unwatched or self.course is Course.ABORTING:
            return 0.0
        first = self.batch == 1 and self.course is Course.ROLLING
        return self.plan.first_watch if first else self.plan.watch

    @property
    def touched(self) -> tuple[str, ...]:
        """The addresses that may run something else than before."""
        return tuple(turn.address for turn in self.turns if turn.stage in TOUCHED)

    def turn(self, address: str) -> Turn | None:
        """The turn of the server that is at an address now."""
        return next((turn for turn in self.turns if turn.address == address), None)

    def moved(self, addresses: Iterable[str], event: Event, now: float) -> Rollout:
        """The same event for several servers. Raises ``KeyError`` where that cannot happen."""
        chosen = frozenset(addresses)
        return replace(self, turns=tuple(t.on(event, now) if t.address in chosen else t for t in self.turns))


def hook_version(rollout: Rollout, turn: Turn) -> str | None:
    """What a hook has to make of a server: the new version, or what it ran before."""
    if rollout.undoing:
        return turn.before if turn.before is not None else rollout.plan.previous_version
    return rollout.plan.version
