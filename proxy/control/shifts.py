"""Running shifts: each is put forward while time passes, its gates are open, and nothing hinders it.

Time in which nobody was here has not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from proxy.control.carrying import FOR_EVER, LOOK, Carrier, Step, unchanged, while_it_is
from proxy.control.clock import Clock
from proxy.control.controller import Controller
from proxy.control.insisting import PROGRAM
from proxy.control.stretch import Stretch
from proxy.traffic.commands import AdvanceShift, EndSettled, Hinder, OperatorCommand, Resume
from proxy.traffic.fitness import can_serve
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.judgement import Finding, Tally, Verdict
from proxy.traffic.model import Operation, Phase
from proxy.traffic.shift import Position, Shift, tick

JUDGE = "judge"
"""Who lets a shift wait while there is too little to tell, and lets it go on when there is enough."""

_WRITTEN = 1.0
"""Seconds of rest after which the position is written down; so much of a pause may have to be waited for again."""


class Evidence(Protocol):
    """What the traffic says about a running shift."""

    def verdict(self, operation: str) -> Verdict | None:
        """What the judge says now; ``None`` if nobody judges it."""
        ...

    def baseline(self, operation: str) -> Tally | None:
        """What the old color has done since the shift began."""
        ...

    def settled_left(self, operation: str) -> int | None:
        """About how many users stay on the old color for their session's sake; ``None``: that is not known yet."""
        ...


class Doorkeeper(Protocol):
    """Asks the gates of a shift."""

    async def may_begin_step(self, operation: Operation) -> bool:
        """Whether all gates of its next step agree; if one does not, the shift has been failed."""
        ...


class Shifts(Carrier):
    """Carries on every running shift."""

    def __init__(
        self,
        controller: Controller,
        *,
        gates: Doorkeeper,
        evidence: Evidence,
        clock: Clock,
        alone: Callable[[], bool],
    ) -> None:
        """``alone`` tells whether no workers of an earlier program serve beside ours, from an older table."""
        super().__init__(controller, Phase.SHIFTING, "shift")
        self._gates = gates
        self._evidence = evidence
        self._clock = clock
        self._alone = alone

    def _steps(self) -> Step:
        stretch = Stretch(self._clock)

        async def step(operation: Operation) -> None:
            if operation.shift is not None:
                await self._next(operation, operation.shift, stretch)

        return step

    async def _next(self, operation: Operation, shift: Shift, stretch: Stretch) -> None:
        """One move, or one wait for what allows the next one."""
        position = shift.position
        if shift.hindrance is not None:
            stretch.over()
            await self._wait_hindered(operation, shift.hindrance)
        elif not self._alone():
            stretch.over()
            await unchanged(self._controller, operation, LOOK)
        elif not self._fit(operation):
            stretch.over()
            why = f"{operation.gaining} has no healthy upstream: nothing more is moved there before it has one"
            await self._hinder(operation, Hindrance.HEALTH, why, by=PROGRAM)
        elif not position.opened:
            stretch.over()
            await self._open(operation)
        elif position.ramped < shift.step.over:
            await self._ramp(operation, shift, stretch)
        elif shift.last:
            await self._wait_settled(operation, shift)
        else:
            await self._rest(operation, shift, stretch)

    async def _wait_hindered(self, operation: Operation, hindrance: Hindrance) -> None:
        passing = hindrance in (Hindrance.JUDGE, Hindrance.HEALTH)
        await unchanged(self._controller, operation, LOOK if passing else FOR_EVER)
        if hindrance is Hindrance.JUDGE and self._seen_enough(operation):
            await self._decide(Resume(operation.id, only=hindrance), by=JUDGE, reason="enough was seen by now")
        elif hindrance is Hindrance.HEALTH and self._fit(operation):
            why = f"{operation.gaining} is healthy again"
            await self._decide(Resume(operation.id, only=hindrance), by=PROGRAM, reason=why)

    def _fit(self, operation: Operation) -> bool:
        """Whether the color that gains traffic can take it, or somebody wants it to all the same."""
        if operation.shift is None or operation.shift.forced:
            return True
        return can_serve(self._controller.state.services[operation.service], operation.gaining)

    async def _open(self, operation: Operation) -> None:
        opened = await while_it_is(
            self._controller,
            lambda: self._controller.state.operations.get(operation.id) is operation,
            self._gates.may_begin_step(operation),
        )
        if opened and operation.shift is not None:
            await self._stand(operation, replace(operation.shift.position, opened=True))

    async def _ramp(self, operation: Operation, shift: Shift, stretch: Stretch) -> None:
        seconds = min(tick(operation.before, shift), shift.step.over - shift.position.ramped)
        if await unchanged(self._controller, operation, stretch.until(seconds)):
            await self._stand(operation, replace(shift.position, ramped=shift.position.ramped + seconds))

    async def _rest(self, operation: Operation, shift: Shift, stretch: Stretch) -> None:
        position, pause = shift.position, shift.step.pause
        if pause is None:
            await self._hinder(operation, Hindrance.STEP, _step_words(shift), by=PROGRAM)
        elif position.rested < pause:
            seconds = min(_WRITTEN, pause - position.rested)
            if await unchanged(self._controller, operation, stretch.until(seconds)):
                await self._stand(operation, replace(position, rested=position.rested + seconds))
        elif shift.step.checked and not shift.waived and not self._seen_enough(operation):
            verdict = self._evidence.verdict(operation.id)
            words = verdict.words if verdict else "nothing is known of the new color yet"
            await self._hinder(operation, Hindrance.JUDGE, words, by=JUDGE)
        else:
            await self._stand(operation, Position(position.step + 1))

    def _seen_enough(self, operation: Operation) -> bool:
        if operation.shift is None or not operation.shift.judged:
            return True
        verdict = self._evidence.verdict(operation.id)
        return verdict is not None and verdict.finding is Finding.PASS

    async def _wait_settled(self, operation: Operation, shift: Shift) -> None:
        """All new users are on the new color; the others follow when their sessions are over, or their time is."""
        settled = self._controller.state.services[operation.service].settled
        due = settled.since + (shift.settle or 0.0) if settled else 0.0
        left = self._evidence.settled_left(operation.id)
        if settled is None or left == 0 or self._clock.wall() >= due:
            await self._controller.advance(EndSettled(operation.id))
        else:
            await unchanged(self._controller, operation, LOOK)

    async def _stand(self, operation: Operation, position: Position) -> None:
        assert operation.shift is not None
        baseline = self._evidence.baseline(operation.id) if operation.shift.last else None
        await self._controller.advance(AdvanceShift(operation.id, operation.shift.position, position, baseline))

    async def _hinder(self, operation: Operation, hindrance: Hindrance, why: str, *, by: str) -> None:
        await self._decide(Hinder(operation.id, hindrance, why), by=by, reason=why)

    async def _decide(self, command: OperatorCommand, *, by: str, reason: str) -> None:
        await self._controller.execute(command, by=by, reason=reason)


def _step_words(shift: Shift) -> str:
    number, count = shift.position.step + 1, len(shift.steps)
    return f"step {number} of {count} is done; it waits to be promoted"
