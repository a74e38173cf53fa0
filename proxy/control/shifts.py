"""Running shifts: each is put forward while time passes, its gates are open, and nothing hinders it.

Where a shift stands is in the state and on disk; what runs here looks at it, waits for what is next, and puts it
forward by a command. So an operator may pause, promote or abort it at any moment, and after a restart it goes on from
where it stood: time in which nobody was here has not counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from proxy.control.bell import Bell
from proxy.control.clock import Clock
from proxy.control.controller import Controller
from proxy.control.outcome import Outcome
from proxy.control.publisher import TableTooLarge
from proxy.control.store.base import StoreUnavailable
from proxy.traffic.commands import AdvanceShift, EndSettled, Hinder, OperatorCommand, Resume
from proxy.traffic.fitness import can_serve
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.judgement import Finding, Tally, Verdict
from proxy.traffic.model import Operation, Phase
from proxy.traffic.refusal import Refused
from proxy.traffic.shift import Position, Shift, tick

logger = logging.getLogger(__name__)

JUDGE = "judge"
"""Who lets a shift wait while there is too little to tell, and lets it go on when there is enough."""

PROGRAM = "program"
"""Who lets it wait for what is plain to see."""

_LOOK = 0.5
"""Seconds between two looks at what nobody rings a bell for: verdicts, sessions, workers of an earlier program."""

_STORE_REST = 1.0
"""Seconds after which a step that could not be written down is tried again."""

_FOR_EVER = 3600.0
"""Seconds after which what waits for somebody looks around without reason."""

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


class Shifts:
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
        self._controller = controller
        self._gates = gates
        self._evidence = evidence
        self._clock = clock
        self._alone = alone
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._bell = Bell()
        self._stopped = False

    def start(self) -> None:
        """Carry on those that run already, and those that begin from now on."""
        self._controller.on_change(self._follow)
        self._pick_up()

    async def stop(self) -> None:
        """Leave all shifts where they stand."""
        self._stopped = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _follow(self, outcome: Outcome) -> None:
        if outcome.before.operations is not outcome.after.operations:
            self._bell.ring()
            self._pick_up()

    def _pick_up(self) -> None:
        for operation in self._controller.state.operations.values():
            if operation.phase is Phase.SHIFTING and operation.id not in self._tasks and not self._stopped:
                task = asyncio.create_task(self._carry_on(operation.id), name=f"shift {operation.id}")
                self._tasks[operation.id] = task

    async def _carry_on(self, operation_id: str) -> None:
        stretch = _Stretch(self._clock)
        try:
            while (operation := self._running(operation_id)) is not None and operation.shift is not None:
                try:
                    await self._next(operation, operation.shift, stretch)
                except Refused as error:  # it was moved by somebody else meanwhile: look again
                    logger.debug("%s: %s", operation_id, error)
                except (StoreUnavailable, TableTooLarge) as error:
                    logger.warning("%s cannot go on for now: %s", operation_id, error)
                    await asyncio.sleep(_STORE_REST)
                except Exception:  # a shift that nobody carries on would stand there for ever
                    logger.exception("%s cannot go on for now", operation_id)
                    await asyncio.sleep(_STORE_REST)
        finally:
            del self._tasks[operation_id]

    def _running(self, operation_id: str) -> Operation | None:
        operation = self._controller.state.operations.get(operation_id)
        return operation if operation is not None and operation.phase is Phase.SHIFTING else None

    async def _next(self, operation: Operation, shift: Shift, stretch: _Stretch) -> None:
        """One move, or one wait for what allows the next one."""
        position = shift.position
        if shift.hindrance is not None:
            stretch.over()
            await self._wait_hindered(operation, shift.hindrance)
        elif not self._alone():
            stretch.over()
            await self._wait(operation, _LOOK)
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
        await self._wait(operation, _LOOK if passing else None)
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
        asking = asyncio.create_task(self._gates.may_begin_step(operation))
        moving = asyncio.create_task(self._wait(operation, None))
        try:
            await asyncio.wait({asking, moving}, return_when=asyncio.FIRST_COMPLETED)
            opened = asking.done() and asking.result()
        finally:
            asking.cancel()
            moving.cancel()
        if opened and operation.shift is not None:
            await self._stand(operation, replace(operation.shift.position, opened=True))

    async def _ramp(self, operation: Operation, shift: Shift, stretch: _Stretch) -> None:
        seconds = min(tick(operation.before, shift), shift.step.over - shift.position.ramped)
        if await self._wait(operation, stretch.until(seconds)):
            await self._stand(operation, replace(shift.position, ramped=shift.position.ramped + seconds))

    async def _rest(self, operation: Operation, shift: Shift, stretch: _Stretch) -> None:
        position, pause = shift.position, shift.step.pause
        if pause is None:
            await self._hinder(operation, Hindrance.STEP, _step_words(shift), by=PROGRAM)
        elif position.rested < pause:
            seconds = min(_WRITTEN, pause - position.rested)
            if await self._wait(operation, stretch.until(seconds)):
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
            await self._wait(operation, _LOOK)

    async def _stand(self, operation: Operation, position: Position) -> None:
        assert operation.shift is not None
        baseline = self._evidence.baseline(operation.id) if operation.shift.last else None
        await self._controller.advance(AdvanceShift(operation.id, operation.shift.position, position, baseline))

    async def _hinder(self, operation: Operation, hindrance: Hindrance, why: str, *, by: str) -> None:
        await self._decide(Hinder(operation.id, hindrance, why), by=by, reason=why)

    async def _decide(self, command: OperatorCommand, *, by: str, reason: str) -> None:
        await self._controller.execute(command, by=by, reason=reason)

    async def _wait(self, operation: Operation, seconds: float | None) -> bool:
        """Whether so many seconds went by (``None``: for ever) without the operation being changed."""

        def changed() -> bool:
            return self._controller.state.operations.get(operation.id) is not operation

        return not await self._bell.until(changed, seconds=_FOR_EVER if seconds is None else seconds)


class _Stretch:
    """A stretch of time without hindrance, in moves of which each begins when the one before it was due.

    So the few milliseconds that each move takes do not add up. A program that was held up for longer does not catch up:
    that would be a jump.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: float | None = None

    def over(self) -> None:
        """Something came between."""
        self._due = None

    def until(self, seconds: float) -> float:
        """Seconds to wait until a move that takes so long is due."""
        now = self._clock.monotonic()
        began = self._due if self._due is not None and now - self._due < seconds else now
        self._due = began + seconds
        return self._due - now


def _step_words(shift: Shift) -> str:
    number, count = shift.position.step + 1, len(shift.steps)
    return f"step {number} of {count} is done; it waits to be promoted"
