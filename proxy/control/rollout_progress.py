"""How far a rolling deployment is, and when it may be through: from its plan, and from what its batches took so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median_low

from proxy.traffic.gates import Moment
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.model import Operation, Phase
from proxy.traffic.rollout.plan import ManualHook, Order
from proxy.traffic.rollout.rollout import Rollout, Turn
from proxy.traffic.rollout.stages import BACK, Course, Stage

Batches = tuple[tuple[Turn, ...], ...]


@dataclass(frozen=True, slots=True)
class RolloutProgress:
    """Where a rolling deployment stands. Times are seconds."""

    batch: int
    """The number of the batch that is being worked on, or was last; 0 before the first."""
    batches: int
    """So many there will have been, if nothing makes one smaller."""
    hindrance: Hindrance | None
    """Why no batch begins; ``None``: it goes on, or it is over."""
    elapsed: float
    """Since it was started, with all that it waited."""
    left: float | None
    """Until the last server is done, if nothing hinders it; ``None``: not known yet, or it waits for somebody."""
    servers: Mapping[str, float | None]
    """The same of each server, by its address."""


def rollout_progress(operation: Operation, rollout: Rollout, now: float) -> RolloutProgress:
    """How far a rolling deployment is at ``now`` (Unix seconds). One that has ended stands where it ended."""
    rolling, coming = operation.phase is Phase.ROLLING, batches_to_come(rollout)
    hindrance = rollout.hindrance if rolling else None
    ends = _ends(operation, rollout, coming, now) if rolling else []
    return RolloutProgress(
        batch=rollout.batch,
        batches=rollout.batch + (len(coming) if rolling else 0),
        hindrance=hindrance,
        elapsed=max(0.0, (now if operation.ended_at is None else operation.ended_at) - operation.started_at),
        left=_left(ends, hindrance) if rolling else 0.0,
        servers=_servers(rollout, coming, ends, hindrance),
    )


def standing(operation: Operation) -> tuple[object, ...]:
    """What is told live when it changes: course, batch, stages and hindrance. Nothing of what is no rollout."""
    rollout = operation.rollout
    if rollout is None:
        return ()
    stages = tuple((turn.address, turn.stage) for turn in rollout.turns)
    return rollout.course, rollout.batch, stages, rollout.hindrance, rollout.unwatched


def batches_to_come(rollout: Rollout) -> Batches:
    """Those whose turn is still to come, in batches as large as they may be."""
    plan, total, rest = rollout.plan, len(rollout.turns), list(rollout.to_do)
    if rollout.course is Course.RESTORING:
        rest.reverse()
        rest.sort(key=lambda turn: -turn.batch)
    size = max(1, plan.batch.at_most(total))
    first = size if plan.first_batch is None or rollout.batch else max(1, plan.first_batch.at_most(total))
    ends = [0, *range(first, len(rest), size), len(rest)] if rest else [0]
    return tuple(tuple(rest[begin:end]) for begin, end in pairwise(ends))


def _ends(operation: Operation, rollout: Rollout, coming: Batches, now: float) -> list[float | None]:
    """Seconds until the batch under way is through, and each one after it."""
    first = _under_way(operation, rollout, now)
    readied = _readied(operation, rollout)
    known = readied is not None and not _waits_for_somebody(rollout)
    steps = [
        (readied or 0.0) + rollout.plan.slow_start.over + _watch(rollout, rollout.batch + number)
        for number in range(1, len(coming) + 1)
    ]
    if first is None or (steps and not known):
        return [first, *(None for _ in steps)]
    return list(accumulate([first, *steps]))


def _left(ends: list[float | None], hindrance: Hindrance | None) -> float | None:
    return ends[-1] if hindrance is None or len(ends) == 1 else None


def _servers(
    rollout: Rollout, coming: Batches, ends: list[float | None], hindrance: Hindrance | None
) -> dict[str, float | None]:
    found: dict[str, float | None] = {turn.address: 0.0 for turn in rollout.turns if turn.stage is Stage.DONE}
    if not ends:
        return found
    found |= {turn.address: ends[0] for turn in rollout.under_way}
    ordered = rollout.plan.order is Order.AS_LISTED or len(coming) == 1
    if ordered and hindrance is None:
        for batch, end in zip(coming, ends[1:], strict=True):
            found |= {turn.address: end for turn in batch}
    return found


def _under_way(operation: Operation, rollout: Rollout, now: float) -> float | None:
    """Seconds until the batch under way is through; 0 where there is none."""
    stage = rollout.stage
    if stage is None:
        return 0.0
    over, watch = rollout.plan.slow_start.over, rollout.watch
    if stage is Stage.WATCHED:
        return max(0.0, watch - rollout.watched)
    if stage is Stage.WARMING:
        return max(0.0, over - rollout.warmed) + watch
    readied, begun = _readied(operation, rollout), _beginnings(operation, rollout).get(rollout.batch)
    if readied is None or begun is None or (stage is not Stage.PROBING and _by_hand(rollout)):
        return None
    return max(0.0, readied - max(0.0, now - begun)) + over + watch  # the clock may have been set back


def _readied(operation: Operation, rollout: Rollout) -> float | None:
    """Seconds that a batch has taken until it was healthy, of those that came so far; ``None``: none has."""
    begun, times = _beginnings(operation, rollout), []
    for number, turns in sorted(_by_batch(rollout).items()):
        beginning = begun[number]
        if beginning is not None and all(turn.stage in BACK or turn.stage is Stage.DONE for turn in turns):
            times.append(max(0.0, _healthy_at(rollout, number, turns) - beginning))
    return median_low(times) if times else None


def _by_batch(rollout: Rollout) -> dict[int, list[Turn]]:
    """The servers of each batch that there was."""
    found: dict[int, list[Turn]] = {}
    for turn in rollout.turns:
        if turn.batch > 0:
            found.setdefault(turn.batch, []).append(turn)
    return found


def _healthy_at(rollout: Rollout, number: int, turns: list[Turn]) -> float:
    """When a batch was through with its checks, by when it came to the stage in which it is."""
    since, over, order = max(turn.since for turn in turns), rollout.plan.slow_start.over, list(Stage)
    match min((turn.stage for turn in turns), key=order.index):
        case Stage.WARMING:
            return since
        case Stage.WATCHED:
            return since - over
        case _:
            return since - over - _watch(rollout, number)


def _beginnings(operation: Operation, rollout: Rollout) -> dict[int, float | None]:
    """When each batch could begin: as the one before it was through, or as all did; ``None``: nothing tells any more.

    Numbers of batches without a server now are in it, too, as far as that of the batch under way.
    """
    first: float | None = operation.started_at
    if rollout.course is Course.RESTORING:
        first = max((turn.since for turn in rollout.to_do), default=None)
    by_batch, through, found = _by_batch(rollout), None, dict[int, float | None]()
    for number in range(1, rollout.batch + 1):
        found[number] = first if through is None else through
        ends = [turn.since for turn in by_batch.get(number, ()) if turn.stage is Stage.DONE]
        through = max(ends if through is None else [through, *ends], default=None)
    return found


def _watch(rollout: Rollout, number: int) -> float:
    if rollout.unwatched or rollout.course is Course.ABORTING:
        return 0.0
    plan = rollout.plan
    return plan.first_watch if number == 1 and rollout.course is Course.ROLLING else plan.watch


def _by_hand(rollout: Rollout) -> bool:
    return isinstance(rollout.plan.hook, ManualHook)


def _waits_for_somebody(rollout: Rollout) -> bool:
    """Whether a batch to come will not begin, or be updated, by itself."""
    later = {moment for moment in rollout.plan.gates.approvals if moment is not Moment.BEFORE_START}
    return _by_hand(rollout) or bool(later and rollout.course is Course.ROLLING)
