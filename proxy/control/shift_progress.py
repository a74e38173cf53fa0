"""How far a shift is, in numbers that change while it goes on."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.traffic.hindrance import Hindrance
from proxy.traffic.judgement import Verdict
from proxy.traffic.model import FULL_SPLIT, Operation, Phase
from proxy.traffic.shift import Shift, remaining, split_at
from proxy.traffic.spec import Color


@dataclass(frozen=True, slots=True)
class ShiftProgress:
    """Where a shift stands. Shares are hundredths of a percent, of the color that gains."""

    to: Color
    share: int
    """What that color has now."""
    target: int
    """What it is to have in the end."""
    step: int
    """The number of the step it is in, counted from 1."""
    hindrance: Hindrance | None
    """Why it waits; ``None``: it goes on, or it is over."""
    elapsed: float
    """Seconds since it was started, those included in which it waited."""
    left: float | None
    """Seconds until all traffic has moved, if nothing hinders it from now on; ``None`` where it waits for somebody."""
    verdict: Verdict | None = None
    """What the judge last said."""
    settled_left: int | None = None
    """So many users still have a session that keeps them where they were; ``None``: nobody counts them."""


def shift_progress(
    operation: Operation,
    shift: Shift,
    now: float,
    *,
    verdict: Verdict | None = None,
    settled_left: int | None = None,
) -> ShiftProgress:
    """How far a shift is at ``now`` (Unix seconds). One that has ended stands where it ended."""
    to = operation.gaining
    moving = operation.phase is Phase.SHIFTING
    return ShiftProgress(
        to=to,
        share=share_of(to, split_at(operation.before, shift)),
        target=share_of(to, operation.after),
        step=shift.position.step + 1,
        hindrance=shift.hindrance if moving else None,
        elapsed=max(0.0, (now if operation.ended_at is None else operation.ended_at) - operation.started_at),
        left=_left(operation, shift),
        verdict=verdict,
        settled_left=settled_left,
    )


def _left(operation: Operation, shift: Shift) -> float | None:
    if operation.phase is not Phase.SHIFTING:
        return 0.0
    return None if shift.hindrance is not None else remaining(shift)


def share_of(color: Color, split: int) -> int:
    """One color's share where green's is ``split``."""
    return split if color is Color.GREEN else FULL_SPLIT - split


def standing(operation: Operation) -> tuple[object, ...]:
    """What is told live when it changes: phase, split, step and what hinders it. Nothing of what is no shift."""
    shift = operation.shift
    if shift is None:
        return ()
    return operation.phase, split_at(operation.before, shift), shift.position.step, shift.hindrance
