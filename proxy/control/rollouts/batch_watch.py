"""The drain of a rollout's batch: until every worker gives it nothing new, and nothing is in flight there."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from proxy.control.draining import Drain, Drained
from proxy.control.insisting import PROGRAM, insist
from proxy.control.receipts import open_account
from proxy.control.watch import Scene, Watch
from proxy.traffic.commands import Fail
from proxy.traffic.listing import listed
from proxy.traffic.model import Operation, Receipt
from proxy.traffic.refusal import Refused
from proxy.traffic.rollout.commands import MoveBatch
from proxy.traffic.rollout.receipts import added
from proxy.traffic.rollout.stages import Event, Stage
from proxy.traffic.spec import DrainRule

logger = logging.getLogger(__name__)

DRAINS: Final = frozenset({Stage.CORDONED, Stage.DRAINING})
"""In these a batch is watched here."""

_LOOK: Final = 0.5
"""Seconds between two looks whether workers of an earlier program are gone."""


class BatchWatch(Watch):
    """Follows one batch until it is drained. One that is put back meanwhile is left alone."""

    def __init__(self, operation: Operation, scene: Scene, *, alone: Callable[[], bool]) -> None:
        """``alone`` tells whether no workers of an earlier program serve beside ours: what is in flight in these is
        not counted, and they may not know of the batch.
        """
        super().__init__(operation, scene)
        assert operation.rollout is not None
        self._batch = operation.rollout.batch
        self._plan = operation.rollout.plan
        self._alone = alone
        self._account = open_account(scene.fleet, operation)

    async def run(self) -> None:
        """Follow it."""
        generation = self._receipt.generation
        if not await self._wait_applied(generation):
            return
        spread = self._since_published_ms(self._clock.monotonic())
        applied = Receipt(generation=generation, applied_at=self._clock.wall(), spread_ms=spread)
        self._receipt = self._account.opened(applied)
        await self._wait_alone()
        if self._stage is Stage.CORDONED:
            await self._move(MoveBatch(self._operation.id, Stage.CORDONED, Event.SEEN))
        drain = Drain(self._operation, self._scene, self._account, generation=generation, rule=self._rule())
        drained = await drain.run(lambda: self._running)
        if drained is not None and drained.left:
            await self._fail(drained)
        elif drained is not None:
            receipt = self._closed(drained)
            await self._move(MoveBatch(self._operation.id, Stage.DRAINING, Event.DRAINED, receipt=receipt))

    def told(self, receipt: Receipt) -> Receipt:
        """The receipt of a rollout that ends while this batch drains; what is still in flight there serves on."""
        if self._receipt.applied_at is None or not self._running:
            return receipt
        batch = self._account.counted(self._receipt)
        gone = batch.finished_on_old + batch.cut_by_proxy + batch.dropped
        return added(receipt, replace(batch, in_flight_at_flip=gone))

    @property
    def _stage(self) -> Stage | None:
        """How far the batch is; ``None`` once it is over, or another one has begun."""
        operation = self._now
        rollout = operation.rollout if operation is not None else None
        return rollout.stage if rollout is not None and rollout.batch == self._batch else None

    @property
    def _running(self) -> bool:
        return self._stage in DRAINS

    async def _wait_alone(self) -> None:
        while self._running and not self._alone():
            await self._overseer.changed(_LOOK)

    def _rule(self) -> DrainRule:
        timeout = self._plan.drain_timeout
        if timeout is not None:
            return DrainRule(timeout, long_lived_timeout=timeout)
        return self._overseer.state.services[self._operation.service].spec.drain

    def _closed(self, drained: Drained) -> Receipt:
        receipt = self._account.counted(self._receipt)
        longest = self._since_published_ms(drained.at) if receipt.in_flight_at_flip else 0.0
        return replace(receipt, longest_ms=longest, drained_at=self._clock.wall())

    async def _move(self, command: MoveBatch) -> None:
        await self._insist(lambda: self._overseer.advance(command), command.at)

    async def _fail(self, drained: Drained) -> None:
        """It must not be updated with somebody's request in it."""
        why = f"{drained.left} did not end on {_named(self._operation)} though they were cut"
        command = Fail(self._operation.id, why)
        await self._insist(lambda: self._overseer.execute(command, by=PROGRAM, reason=why), Stage.DRAINING)

    async def _insist(self, step: Callable[[], Awaitable[object]], at: Stage) -> None:
        try:
            await insist(self._operation.id, step, lambda: self._stage is at)
        except Refused as error:  # it was put back in this moment
            logger.debug("%s: %s", self._operation.id, error)


def _named(operation: Operation) -> str:
    return listed([address for _, address in operation.leaving if address is not None])
