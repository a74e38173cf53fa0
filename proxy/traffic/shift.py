"""A gradual move of traffic as a plan of steps, and how far along it is: plain arithmetic, no clock.

Every plan is a list of steps. A step goes to its split, at once or ramping over some seconds, and then rests for a
while, or until somebody promotes it. Only time in which the shift really went on counts, so one that was paused, or
whose program was down, goes on exactly where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from proxy.traffic.gates import Gates, Moment
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.judgement import Tally

LARGEST_TICK: Final = 100
"""Hundredths of a percent that a ramp moves at once, at most."""

LONGEST_TICK: Final = 1.0
"""Seconds between two moves of a ramp, at most."""

RAMPS: Final = 10
"""A linear shift is made of so many ramps: there gates are asked."""

_CHECKED: Final = (5, 9)
"""After these ramps the judge has to have seen enough."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a shift."""

    split: int
    """Green's share at its end, in hundredths of a percent."""
    over: float = 0.0
    """Seconds in which it gets there; 0 is at once."""
    pause: float | None = 0.0
    """Seconds to rest there; ``None``: until it is promoted."""
    checked: bool = True
    """Whether the judge has to have seen enough before the next step."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a shift is: its step, whether the gates of that have opened, and the seconds it has moved and rested."""

    step: int = 0
    opened: bool = False
    ramped: float = 0.0
    rested: float = 0.0


@dataclass(frozen=True, slots=True)
class Shift:
    """A plan, and how far it has been carried out."""

    steps: tuple[Step, ...]
    gates: Gates = field(default_factory=Gates)
    judged: bool = True
    """Whether the new color is watched, and the traffic goes back when it is worse."""
    settle: float | None = None
    """Seconds for which users with a session stay where they are; ``None``: they move like everybody."""
    position: Position = field(default_factory=Position)
    hindrance: Hindrance | None = None
    waived: bool = False
    """Whether an operator has let it go on though the judge had seen too little."""
    forced: bool = False
    """Whether an operator wants it to go on though the new color has no healthy upstream."""
    baseline: Tally | None = None
    """What the old color did while it went on, once it has arrived."""

    @property
    def step(self) -> Step:
        """The step it is in."""
        return self.steps[self.position.step]

    @property
    def last(self) -> bool:
        """Whether that is the last one."""
        return self.position.step == len(self.steps) - 1

    def at(self, position: Position, hindrance: Hindrance | None = None) -> Shift:
        """The shift at another place, hindered or not."""
        return replace(self, position=position, hindrance=hindrance)


def linear(start: int, target: int, over: float) -> tuple[Step, ...]:
    """A steady move from one split to another in ``over`` seconds, as ramps of equal length."""
    steps = [start + (target - start) * ramp // RAMPS for ramp in range(1, RAMPS + 1)]
    return tuple(Step(split, over / RAMPS, checked=number in _CHECKED) for number, split in enumerate(steps, start=1))


def stepped(start: int, steps: Sequence[Step], *, rising: bool) -> tuple[Step, ...]:
    """The steps that are still ahead of ``start``; none, if it is past all of them.

    Raises:
        ValueError: they do not lead steadily up (``rising``), or down.
    """
    splits = [step.split for step in steps]
    if splits != sorted(set(splits), reverse=not rising):
        raise ValueError("each step must lead further than the one before it")
    return tuple(step for step in steps if (step.split > start if rising else step.split < start))


def split_at(start: int, shift: Shift) -> int:
    """Green's share at the shift's position; ``start`` is what it was before the shift."""
    position, step = shift.position, shift.step
    begin = shift.steps[position.step - 1].split if position.step else start
    if not position.opened:
        return begin
    if position.ramped >= step.over:
        return step.split
    return begin + int((step.split - begin) * position.ramped / step.over)


def tick(start: int, shift: Shift) -> float:
    """Seconds of a ramp from one move to the next: so many that none moves more than ``LARGEST_TICK``."""
    position, step = shift.position, shift.step
    begin = shift.steps[position.step - 1].split if position.step else start
    distance = abs(step.split - begin) or 1
    finest = step.over / distance  # more often the split, which is counted in hundredths, would not change
    return max(finest, min(LONGEST_TICK, step.over * (LARGEST_TICK - 1) / distance))  # less one, for rounding


def arrived(shift: Shift) -> bool:
    """Whether the last step is where it leads."""
    return shift.last and shift.position.opened and shift.position.ramped >= shift.step.over


def moments(shift: Shift) -> tuple[Moment, ...]:
    """What the gates of the step that comes next are asked for."""
    found = [Moment.BEFORE_INCREASE]
    if shift.position.step == 0:
        found.insert(0, Moment.BEFORE_START)
    if shift.last:
        found.append(Moment.BEFORE_PROMOTION)
    return tuple(found)


def remaining(shift: Shift) -> float | None:
    """Seconds to its end if nothing hinders it; ``None`` where it will wait for somebody."""
    position, total = shift.position, 0.0
    for number, step in enumerate(shift.steps[position.step :], start=position.step):
        current, last = number == position.step, number == len(shift.steps) - 1
        total += step.over - (position.ramped if current else 0.0)
        if last:
            return total
        if step.pause is None:
            return None
        total += step.pause - (position.rested if current else 0.0)
    return total
