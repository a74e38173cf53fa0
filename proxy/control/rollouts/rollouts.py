"""Running rollouts: each does what its stage asks for, or waits for it.

All that a rollout has to know is in the state, so that it goes on after a restart: a hook that was broken off is run
again, a batch that was probed is probed again, and time in which nobody was here has not counted.
"""

from __future__ import annotations

from proxy.control.carrying import Carrier, Step, unchanged
from proxy.control.rollouts.ageing import Ageing
from proxy.control.rollouts.batch_watch import DRAINS
from proxy.control.rollouts.between import Between
from proxy.control.rollouts.means import Means
from proxy.control.rollouts.probing import Probing
from proxy.control.rollouts.updating import Updating
from proxy.traffic.model import Operation, Phase
from proxy.traffic.rollout.stages import BACK, Stage


class Rollouts(Carrier):
    """Carries on every running rollout."""

    def __init__(self, means: Means) -> None:
        """Nothing is carried on yet."""
        super().__init__(means.controller, Phase.ROLLING, "roll")
        self._means = means

    def _steps(self) -> Step:
        return _Way(self._means).step


class _Way:
    """The way of one rollout."""

    def __init__(self, means: Means) -> None:
        self._controller = means.controller
        self._between = Between(means)
        self._updating = Updating(means)
        self._probing = Probing(means)
        self._ageing = Ageing(means)

    async def step(self, operation: Operation) -> None:
        rollout = operation.rollout
        assert rollout is not None, "what is in this phase is a rollout"
        stage = rollout.stage
        if stage in BACK:
            await self._ageing.step(operation, rollout)
            return
        self._ageing.over()
        if stage in DRAINS:  # that is watched elsewhere
            await unchanged(self._controller, operation)
        elif stage is Stage.UPDATING:
            await self._updating.step(operation, rollout)
        elif stage is Stage.PROBING:
            await self._probing.step(operation, rollout)
        else:
            await self._between.step(operation, rollout)
