"""A batch that is back gets its weight little by little, and is then looked at for a while."""

from __future__ import annotations

from typing import Final

from proxy.control.rollouts.means import CHECK, Means
from proxy.control.stretch import Stretch
from proxy.traffic.fitness import serves
from proxy.traffic.model import Health, Operation, Service
from proxy.traffic.rollout.batches import required
from proxy.traffic.rollout.commands import AgeBatch, MoveBatch
from proxy.traffic.rollout.rollout import Rollout
from proxy.traffic.rollout.stages import Event, Stage

_RAMPS: Final = 20
"""So many moves are made of a slow start at most."""

_FASTEST: Final = 0.25
"""Seconds between two of them at least: each is a table for all workers."""

_WRITTEN: Final = 1.0
"""Seconds of watching after which that is written down; so much may have to be watched again after a restart."""


class Ageing:
    """Lets time pass for batches that serve again."""

    def __init__(self, means: Means) -> None:
        """No time has passed yet."""
        self._means = means
        self._stretch = Stretch(means.clock)

    async def step(self, operation: Operation, rollout: Rollout) -> None:
        """Let a piece of time pass, or go on."""
        service = self._means.service(operation)
        if sick := _sick(service, rollout):
            await self._means.fail(operation, sick, by=CHECK)
        elif rollout.stage is Stage.WARMING:
            await self._warm(operation, rollout, service)
        else:
            await self._watch(operation, rollout)

    def over(self) -> None:
        """Something else came between."""
        self._stretch.over()

    async def _warm(self, operation: Operation, rollout: Rollout, service: Service) -> None:
        over = rollout.plan.slow_start.over
        if rollout.warmed >= over or not service.share(rollout.color) or not _can_carry(service, rollout):
            await self._means.controller.advance(MoveBatch(operation.id, Stage.WARMING, Event.WARM))
            return
        seconds = min(max(over / _RAMPS, _FASTEST), over - rollout.warmed)
        if await self._passed(operation, rollout, seconds):
            aged = AgeBatch(operation.id, rollout.batch, rollout.warmed + seconds, rollout.watched)
            await self._means.controller.advance(aged)

    async def _watch(self, operation: Operation, rollout: Rollout) -> None:
        if rollout.watched >= rollout.watch:
            await self._means.controller.advance(MoveBatch(operation.id, Stage.WATCHED, Event.PASSED))
            return
        seconds = min(_WRITTEN, rollout.watch - rollout.watched)
        if await self._passed(operation, rollout, seconds):
            aged = AgeBatch(operation.id, rollout.batch, rollout.warmed, rollout.watched + seconds)
            await self._means.controller.advance(aged)

    async def _passed(self, operation: Operation, rollout: Rollout, seconds: float) -> bool:
        """Whether so many seconds went by without anything that matters."""
        controller = self._means.controller

        def stirred() -> bool:
            if controller.state.operations.get(operation.id) is not operation:
                return True
            service = self._means.service(operation)
            hasty = rollout.stage is Stage.WARMING and not _can_carry(service, rollout)
            return hasty or _sick(service, rollout) is not None

        if await controller.until(stirred, self._stretch.until(seconds)):
            self._stretch.over()  # or the next piece would begin only when this one was due
            return False
        return True


def _can_carry(service: Service, rollout: Rollout) -> bool:
    """Whether the others are enough to do without a part of this batch's weight."""
    full = sum(serves(service, each) and each.ramp >= 1.0 for each in service.pool(rollout.color))
    return full >= required(service, rollout)


def _sick(service: Service, rollout: Rollout) -> str | None:
    """What speaks against a server of the batch, in a sentence."""
    batch = {turn.address for turn in rollout.under_way}
    for upstream in service.pool(rollout.color):
        if upstream.address not in batch:
            continue
        if upstream.ejected:
            return f"{upstream.address} had to be taken out after its update: real requests failed there"
        if service.spec.health is not None and upstream.health is Health.UNHEALTHY:
            return f"{upstream.address} became unhealthy after its update"
    return None
