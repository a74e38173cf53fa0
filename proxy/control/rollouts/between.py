"""Between two batches: gates, room, and who goes out next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from proxy.control.carrying import FOR_EVER, LOOK, unchanged, while_it_is
from proxy.control.insisting import PROGRAM
from proxy.control.rollouts.means import CHECK, Means
from proxy.shm.names import Series
from proxy.traffic.commands import Hinder, Resume
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.listing import listed
from proxy.traffic.model import Operation, Service
from proxy.traffic.rollout.batches import available, next_batch, required, total
from proxy.traffic.rollout.commands import EndRollout, OpenBatch, TakeBatch
from proxy.traffic.rollout.plan import OnFailure, Order, VersionProbe
from proxy.traffic.rollout.rollout import Rollout


class Between:
    """Begins the next batch as soon as nothing stands in its way."""

    def __init__(self, means: Means) -> None:
        """All that matters is in the state."""
        self._means = means
        self._controller = means.controller

    async def step(self, operation: Operation, rollout: Rollout) -> None:
        """One move towards the next batch, or the end if there is none."""
        if not rollout.to_do:
            await self._controller.advance(EndRollout(operation.id))
        elif rollout.hindrance is not None:
            await self._wait_hindered(operation, rollout)
        elif not self._means.alone():
            await unchanged(self._controller, operation, LOOK)
        elif not rollout.opened:
            await self._open(operation)
        else:
            await self._take(operation, rollout)

    async def _wait_hindered(self, operation: Operation, rollout: Rollout) -> None:
        if rollout.hindrance is not Hindrance.CAPACITY:
            await unchanged(self._controller, operation)
            return

        def roomy_or_changed() -> bool:
            return self._now(operation) is not operation or bool(self._next(operation, rollout))

        await self._controller.until(roomy_or_changed, FOR_EVER)
        if self._now(operation) is operation and self._next(operation, rollout):
            why = "there is room for another batch"
            await self._controller.execute(Resume(operation.id, only=Hindrance.CAPACITY), by=PROGRAM, reason=why)

    async def _open(self, operation: Operation) -> None:
        asking = self._means.gates.may_begin_batch(operation)
        if await while_it_is(self._controller, lambda: self._now(operation) is operation, asking):
            await self._controller.advance(OpenBatch(operation.id))

    async def _take(self, operation: Operation, rollout: Rollout) -> None:
        chosen = self._next(operation, rollout)
        if not chosen:
            why = _no_room(self._means.service(operation), rollout)
            command = Hinder(operation.id, Hindrance.CAPACITY, why)
            await self._controller.execute(command, by=PROGRAM, reason=why)
            return
        versions: Mapping[str, str] | None = {}
        if rollout.plan.detect is not None:
            reading = self._versions(operation, chosen, rollout.plan.detect)
            versions = await while_it_is(self._controller, lambda: self._now(operation) is operation, reading)
        if versions is None:
            return
        if silent := _not_to_be_restored(rollout, chosen, versions):
            why = f"{listed(silent)} told no version and could not be restored: have previous_version passed"
            await self._means.fail(operation, why, by=CHECK)
            return
        await self._controller.advance(TakeBatch(operation.id, chosen, versions))

    async def _versions(self, operation: Operation, addresses: Sequence[str], detect: VersionProbe) -> dict[str, str]:
        check = self._means.service(operation).spec.health
        found = await asyncio.gather(*(self._means.read_version(each, detect, check) for each in addresses))
        return {address: version for address, version in zip(addresses, found, strict=True) if version is not None}

    def _now(self, operation: Operation) -> Operation | None:
        return self._controller.state.operations.get(operation.id)

    def _next(self, operation: Operation, rollout: Rollout) -> tuple[str, ...]:
        return next_batch(self._means.service(operation), rollout, self._in_flight(operation, rollout))

    def _in_flight(self, operation: Operation, rollout: Rollout) -> dict[str, int]:
        """Requests on each server, where somebody wants to know."""
        if rollout.plan.order is not Order.LEAST_LOADED:
            return {}
        key, regions = (operation.service, rollout.color.value), self._means.fleet.regions()
        return {
            turn.address: sum(region.value(Series.UPSTREAM_IN_FLIGHT, *key, turn.address) for region in regions)
            for turn in rollout.to_do
        }


def _not_to_be_restored(rollout: Rollout, chosen: Sequence[str], versions: Mapping[str, str]) -> list[str]:
    """The servers for which a hook that restores would have no version. They are found before they are touched."""
    plan = rollout.plan
    if rollout.undoing or plan.on_failure is not OnFailure.RESTORE or plan.previous_version is not None:
        return []
    return [address for address in chosen if address not in versions]


def _no_room(service: Service, rollout: Rollout) -> str:
    color, needed = rollout.color, required(service, rollout)
    serving = f"{available(service, color)} of {total(service, color)} servers of {color} are in rotation and healthy"
    return f"{serving}, and {needed} have to be: none can be taken out now"
