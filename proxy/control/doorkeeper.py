"""The gates of shifts and rollouts: asked at their moments, told in the journal, and obeyed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from proxy.control.controller import Controller
from proxy.control.outcome import Outcome
from proxy.traffic.commands import Fail, Hinder
from proxy.traffic.gates import Moment
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.model import Operation, OperationState
from proxy.traffic.reduction import Change
from proxy.traffic.rollout.batches import batch_moments
from proxy.traffic.shift import moments

GATE = "gate"
"""Who lets an operation wait or fail because of a gate."""


class GateOutcome(Protocol):
    """What became of asking one gate."""

    @property
    def gate(self) -> str:
        """Its name for people."""
        ...

    @property
    def ok(self) -> bool:
        """Whether it agrees."""
        ...

    @property
    def detail(self) -> str:
        """Why, in a sentence."""
        ...


Ask = Callable[[Operation, Moment], Awaitable[Sequence[GateOutcome]]]
"""Asks all gates of an operation at a moment."""


class Doorkeeper:
    """Asks before each step or batch, and tells when all is over or goes back."""

    def __init__(self, controller: Controller, ask: Ask) -> None:
        self._controller = controller
        self._ask = ask
        controller.on_change(self._follow)
        self._telling: set[asyncio.Task[None]] = set()

    async def may_begin_step(self, operation: Operation) -> bool:
        """Whether all gates of a shift's next step agree. If one does not, it fails; an approval lets it wait."""
        shift = operation.shift
        assert shift is not None
        what = f"step {shift.position.step + 1} of {len(shift.steps)}"
        return await self._may_begin(operation, moments(shift), what)

    async def may_begin_batch(self, operation: Operation) -> bool:
        """Whether all gates of a rollout's next batch agree. If one does not, it fails; an approval lets it wait."""
        rollout = operation.rollout
        assert rollout is not None
        service = self._controller.state.services[operation.service]
        return await self._may_begin(operation, batch_moments(service, rollout), f"batch {rollout.batch + 1}")

    async def _may_begin(self, operation: Operation, asked: Sequence[Moment], what: str) -> bool:
        for moment in asked:
            refused = [outcome for outcome in await self._asked(operation, moment) if not outcome.ok]
            if refused:
                why = "; ".join(f"{outcome.gate} is against it: {outcome.detail}" for outcome in refused)
                await self._controller.execute(Fail(operation.id, why), by=GATE, reason=why)
                return False
        if any(moment in operation.gates.approvals for moment in asked):
            why = f"{what} waits for approval: promote or abort it"
            await self._controller.execute(Hinder(operation.id, Hindrance.APPROVAL, why), by=GATE, reason=why)
            return False
        return True

    def _follow(self, outcome: Outcome) -> None:
        """Let the gates of what is over know how they ended, without waiting for them."""
        for operation in outcome.ended:
            done = operation.state is OperationState.SUCCEEDED
            self._tell(operation, Moment.AFTER if done else Moment.ON_ROLLBACK)

    def _tell(self, operation: Operation, moment: Moment) -> None:
        if operation.gates.asked_at(moment):
            task = asyncio.create_task(self._told(operation, moment), name=f"tell {operation.id} {moment}")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def stop(self) -> None:
        """Tell nobody any more."""
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    async def _told(self, operation: Operation, moment: Moment) -> None:
        await self._asked(operation, moment)

    async def _asked(self, operation: Operation, moment: Moment) -> Sequence[GateOutcome]:
        if not operation.gates.asked_at(moment):
            return ()
        outcomes = await self._ask(operation, moment)
        for outcome in outcomes:
            said = Change(f"gates.{moment}", None, "go" if outcome.ok else "no")
            await self._controller.note(GATE, operation, f"{outcome.gate}: {outcome.detail}", (said,))
        return outcomes
