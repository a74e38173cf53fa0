"""Running operations: each is watched until every worker serves from its table and what it left behind has drained.

A watch asks before each step whether its operation is still running. One that was rolled back, aborted, or replaced by
the next one ends by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from proxy.control.clock import Clock
from proxy.control.draining import Drain
from proxy.control.fleet import Fleet
from proxy.control.holds import ExclusiveWatch, HoldWatch
from proxy.control.publisher import Publisher
from proxy.control.receipts import open_account
from proxy.control.rollouts.batch_watch import BatchWatch
from proxy.control.watch import Overseer, Scene, Watch
from proxy.shm.names import Series
from proxy.traffic.commands import EndOperation, MarkApplied
from proxy.traffic.model import Operation, OperationKind, OperationState, Phase, Receipt, State
from proxy.traffic.spec import DrainRule

logger = logging.getLogger(__name__)


class Watches:
    """The watches of all running operations."""

    def __init__(
        self, overseer: Overseer, *, fleet: Fleet, publisher: Publisher, clock: Clock, alone: Callable[[], bool]
    ) -> None:
        """Nothing is watched yet. ``alone`` tells whether no workers of an earlier program serve beside ours."""
        self._scene = Scene(overseer, fleet, publisher, clock)
        self._alone = alone
        self._watches: dict[str, Watch] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, operation: Operation, errors_told: int | None = None) -> None:
        """Take stock for a new operation. To be called just before its table is published.

        ``errors_told`` are the errors of the color that it leaves which an earlier receipt has told of, if one has.
        """
        self._watches[operation.id] = self._watch(operation, errors_told)

    def _watch(self, operation: Operation, errors_told: int | None) -> Watch:
        if operation.kind is OperationKind.HOLD:
            return HoldWatch(operation, self._scene)
        if operation.phase is Phase.HOLDING:
            return ExclusiveWatch(operation, self._scene, alone=self._alone)
        if operation.phase is Phase.ROLLING:
            return BatchWatch(operation, self._scene, alone=self._alone)
        return _DrainWatch(operation, self._scene, errors_told)

    def begin(self, operation: Operation) -> None:
        """Watch an operation that was opened, now that its table is published."""
        watch = self._watches[operation.id]
        task = asyncio.create_task(watch.run(), name=f"watch {operation.id}")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(operation.id, watch, done))

    def told(self, operation: Operation) -> Operation:
        """An operation that something else than its own success has ended, with its receipt counted to this moment."""
        watch = self._watches.get(operation.id)
        receipt = operation.receipt
        if watch is None or receipt is None or operation.state is OperationState.SUCCEEDED:
            return operation
        return replace(operation, receipt=watch.told(receipt))

    async def stop(self) -> None:
        """Leave all operations as they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, operation_id: str, watch: Watch, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._watches.get(operation_id) is watch:  # a rollout has another one for its next batch
            del self._watches[operation_id]
        if not task.cancelled() and (error := task.exception()):
            logger.error("operation %s is no longer watched", operation_id, exc_info=error)


class _DrainWatch(Watch):
    """Until every worker serves from its table, and what it leaves is drained."""

    def __init__(self, operation: Operation, scene: Scene, errors_told: int | None) -> None:
        super().__init__(operation, scene)
        self._account = open_account(scene.fleet, operation, errors_told)

    async def run(self) -> None:
        if not await self._wait_applied(self._receipt.generation):
            return
        await self._mark_applied()
        if self._running:
            await self._drain(self._overseer.state.services[self._operation.service].spec.drain)

    def told(self, receipt: Receipt) -> Receipt:
        return self._account.counted(receipt) if receipt.applied_at is not None else receipt

    async def _mark_applied(self) -> None:
        spread = self._since_published_ms(self._clock.monotonic())
        now = self._clock.wall()
        receipt = self._account.opened(replace(self._receipt, applied_at=now, spread_ms=spread))
        if not self._operation.leaving:
            receipt = replace(receipt, drained_at=now, longest_ms=0.0)
        self._receipt = receipt
        await self._overseer.observe(MarkApplied(self._operation.id, receipt))

    async def _drain(self, rule: DrainRule) -> None:
        drain = Drain(self._operation, self._scene, self._account, generation=self._receipt.generation, rule=rule)
        drained = await drain.run(lambda: self._running)
        if drained is None:
            return
        if drained.left:
            await self._end(OperationState.FAILED, drained.at, f"{drained.left} did not end though they were cut")
        else:
            await self._end(OperationState.SUCCEEDED, drained.at)

    async def _end(self, state: OperationState, moment: float, note: str | None = None) -> None:
        receipt = self._account.counted(self._receipt)
        if state is OperationState.SUCCEEDED:
            longest = self._since_published_ms(moment) if receipt.in_flight_at_flip else 0.0
            receipt = replace(receipt, longest_ms=longest, drained_at=self._clock.wall())
        notes = "; ".join([*([note] if note else []), *_losses(receipt)])
        await self._overseer.observe(EndOperation(self._operation.id, state, receipt, notes or None))


def _losses(receipt: Receipt) -> Iterator[str]:
    if receipt.cut_by_proxy:
        yield f"{receipt.cut_by_proxy} cut at the drain's deadline"
    if receipt.dropped:
        yield f"{receipt.dropped} lost with a worker that died"


def progress(operation: Operation, state: State, fleet: Fleet, publisher: Publisher) -> dict[str, Any]:
    """How far an operation is, as JSON-ready data: live numbers while it runs, zeros once it has ended."""
    running = operation.id in state.operations
    generation = operation.receipt.generation if operation.receipt else 0
    applied = publisher.applied(generation)
    requests, tunnels = _under_way(operation, fleet) if running else (0, 0)
    facts: dict[str, Any] = {
        "phase": operation.phase.value,
        "seen_by": applied.applied,
        "workers": applied.total,
        "in_flight": requests,
        "tunnels": tunnels,
        "deadline_at": None,
        "tunnels_deadline_at": None,
    }
    if operation.phase is Phase.DRAINING and operation.receipt and operation.receipt.applied_at and running:
        rule = state.services[operation.service].spec.drain
        facts["deadline_at"] = operation.receipt.applied_at + rule.timeout
        facts["tunnels_deadline_at"] = operation.receipt.applied_at + rule.long_lived_timeout
    return facts


def _under_way(operation: Operation, fleet: Fleet) -> tuple[int, int]:
    """Requests and tunnels on what an operation leaves: colors, or single upstreams."""
    requests = tunnels = 0
    for color, address in operation.leaving:
        key = (operation.service, color.value)
        for region in fleet.regions():
            if address is not None:
                long_lived = region.value(Series.UPSTREAM_TUNNELS, *key, address)
                requests += max(0, region.value(Series.UPSTREAM_IN_FLIGHT, *key, address) - long_lived)
                tunnels += long_lived
            else:
                requests += region.value(Series.IN_FLIGHT, *key)
                tunnels += region.value(Series.TUNNELS, *key)
    return requests, tunnels
