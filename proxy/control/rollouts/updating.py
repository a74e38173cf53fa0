"""A batch that is drained is updated: by a hook, or by somebody."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.control.carrying import unchanged, while_it_is
from proxy.control.insisting import insist
from proxy.control.rollouts.means import HOOK, HookOutcome, Means
from proxy.traffic.listing import listed
from proxy.traffic.model import Operation
from proxy.traffic.reduction import Change
from proxy.traffic.refusal import Refused
from proxy.traffic.rollout.commands import MoveBatch
from proxy.traffic.rollout.plan import ManualHook
from proxy.traffic.rollout.rollout import Rollout
from proxy.traffic.rollout.stages import Event, Stage

_TAIL = 16 * 1024 + 100
"""Characters of a hook's output that the journal keeps: the last ones. It has room for all that one run gives, and
for the words of how much was left out before that.
"""


class Updating:
    """Has batches updated. A hook that did not come to its end because the program was stopped is run again."""

    def __init__(self, means: Means) -> None:
        """Nobody has been told yet what is waited for."""
        self._means = means
        self._told = 0
        """The batch for which somebody was asked last."""

    async def step(self, operation: Operation, rollout: Rollout) -> None:
        """Have the batch updated, or wait until somebody has done it."""
        if isinstance(rollout.plan.hook, ManualHook):
            await self._wait_for_somebody(operation, rollout)
            return
        outcome = await while_it_is(
            self._means.controller,
            lambda: self._means.stands(operation.id, rollout, Stage.UPDATING),
            self._means.hooks.run(operation),
        )
        if outcome is not None:
            await self._means.controller.note(HOOK, operation, outcome.detail, tuple(_told(outcome)))
            await self._carry_out(operation, rollout, outcome)

    async def _wait_for_somebody(self, operation: Operation, rollout: Rollout) -> None:
        if self._told != rollout.batch:
            self._told = rollout.batch
            waiting = [turn.address for turn in rollout.under_way if turn.stage is Stage.UPDATING]
            are, that_it_is = ("is", "that it is") if len(waiting) == 1 else ("are", "of each that it is")
            why = f"waits until {listed(waiting)} {are} updated by hand, and somebody says {that_it_is} ready"
            await self._means.controller.note(HOOK, operation, why, ())
        await unchanged(self._means.controller, operation)

    async def _carry_out(self, operation: Operation, rollout: Rollout, outcome: HookOutcome) -> None:
        """What the hook has done is done: it is not run again because of a store that fails."""

        async def step() -> None:
            if not outcome.ok:
                await self._means.fail(operation, outcome.detail, by=HOOK)
                return
            command = MoveBatch(operation.id, Stage.UPDATING, Event.UPDATED, outcome.moved)
            await self._means.controller.advance(command)

        def wanted() -> bool:
            return self._means.stands(operation.id, rollout, Stage.UPDATING)

        try:
            await insist(operation.id, step, wanted)
        except Refused as error:
            if wanted():
                await self._means.fail(operation, f"what the hook has answered cannot be: {error}", by=HOOK)


def _told(outcome: HookOutcome) -> Iterable[Change]:
    yield Change("hook.ok", None, outcome.ok)
    for old, new in outcome.moved.items():
        yield Change("hook.moved", old, new)
    if outcome.output:
        yield Change("hook.output", None, outcome.output[-_TAIL:])
