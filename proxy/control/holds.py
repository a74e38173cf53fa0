"""Running holds and exclusive switches: requests wait until somebody releases them, or until nothing is in flight.

An exclusive switch must never have two versions in flight. Once every worker has seen the table that holds, none admits
anything, on either color; what is in flight then drains, tunnels are told to end at once, and only when nothing is left
the traffic moves. If that takes longer than requests may be held, it is given up just before the first of them would be
turned away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from proxy.control.fleet import seen_generations
from proxy.control.publisher import TableTooLarge
from proxy.control.receipts import ColorAccount, HoldAccount
from proxy.control.store.base import StoreUnavailable
from proxy.control.watch import FIRST_LOOK, LOOK_GROWTH, Scene, Watch
from proxy.ipc.messages import Cut
from proxy.shm.names import Series
from proxy.traffic.commands import EndOperation, FlipExclusive, GiveUpExclusive, MarkApplied
from proxy.traffic.drain import DrainWatch
from proxy.traffic.fitness import can_serve
from proxy.traffic.model import Operation, OperationState, Phase, Receipt
from proxy.traffic.refusal import Refused
from proxy.traffic.spec import Color

_LAST_LOOK: Final = 0.01
"""Seconds between two looks at most while clients wait for it."""

_CUT_AGAIN: Final = 0.25
"""Seconds after which tunnels are told to end once more: a request may have become one."""

_IDLE_LOOK: Final = 0.05
"""Seconds between two looks at what was in flight when a hold began."""

_FOR_EVER: Final = 3600.0

_STORE_REST: Final = 0.05
"""Seconds after which a flip that could not be written down is tried again."""


def patience_of(max_wait: float) -> float:
    """Seconds after which an exclusive switch is given up, so that who waits since its beginning is still served."""
    return max_wait - min(0.5, max_wait / 10)


class _Holding(Watch):
    def __init__(self, operation: Operation, scene: Scene) -> None:
        super().__init__(operation, scene)
        self._account = ColorAccount(scene.fleet, operation.service, Color)
        self._held = HoldAccount(scene.fleet, operation.service)

    @property
    def _holds(self) -> bool:
        operation = self._now
        return operation is not None and operation.phase is Phase.HOLDING

    def _drained(self, moment: float) -> None:
        """Nothing that was in flight is left, and nothing was admitted since: so it can be told how all of it ended."""
        receipt = self._account.counted(self._receipt)
        longest = self._since_published_ms(moment) if receipt.in_flight_at_flip else 0.0
        self._receipt = replace(receipt, longest_ms=longest, drained_at=self._clock.wall())


class HoldWatch(_Holding):
    """Until an operator releases it, and every worker has seen that."""

    async def run(self) -> None:
        """Follow it."""
        if await self._wait_applied(self._receipt.generation):
            await self._applied()
        while self._holds:
            await self._overseer.changed(_FOR_EVER)
        operation = self._now
        if operation is not None and operation.receipt is not None:
            await self._released(operation.receipt.generation)

    def told(self, receipt: Receipt) -> Receipt:
        """The receipt of a hold that ended with its service."""
        return self._held.counted(self._receipt)

    async def _applied(self) -> None:
        now = self._clock.monotonic()
        receipt = replace(
            self._receipt, applied_at=self._clock.wall(), spread_ms=self._since_published_ms(now), drained_at=None
        )
        service = self._overseer.state.services[self._operation.service]
        partial = service.hold is not None and service.hold.unsafe_only  # others come and go: they are not counted
        self._receipt = receipt if partial else self._account.opened(receipt)
        await self._overseer.observe(MarkApplied(self._operation.id, self._receipt))
        if not partial:
            await self._drain()

    async def _drain(self) -> None:
        watch, pause = DrainWatch(self._receipt.generation), FIRST_LOOK
        while self._holds:
            now = self._clock.monotonic()
            if watch.look(seen_generations(self._fleet), self._account.in_flight(), now):
                self._drained(now)
                await self._overseer.observe(MarkApplied(self._operation.id, self._receipt))
                return
            self._receipt = self._account.counted(self._receipt)
            await self._overseer.changed(pause)
            pause = min(pause * LOOK_GROWTH, _IDLE_LOOK)

    async def _released(self, generation: int) -> None:
        if await self._wait_applied(generation):
            receipt = self._held.counted(replace(self._receipt, generation=generation))
            await self._overseer.observe(MarkApplied(self._operation.id, receipt))


class ExclusiveWatch(_Holding):
    """Until nothing is in flight; then the traffic moves. Or until that takes too long."""

    def __init__(self, operation: Operation, scene: Scene, *, alone: Callable[[], bool]) -> None:
        """``alone`` tells whether no workers of an earlier program serve beside ours."""
        super().__init__(operation, scene)
        self._alone = alone
        self._opened = False
        self._served = self._can_serve()
        """Whether the color that gains had somebody to answer when it began; if not, it was forced."""

    async def run(self) -> None:
        """Follow it."""
        hold = self._overseer.state.services[self._operation.service].hold
        assert hold is not None
        until = self._published + patience_of(hold.max_wait)
        if not await self._wait_drained(until) or not await self._flip(until):
            return
        flipped, operation = self._clock.monotonic(), self._now
        if operation is None or operation.receipt is None:
            return
        generation = operation.receipt.generation
        if not await self._wait_applied(generation):
            return
        spread = round((self._clock.monotonic() - flipped) * 1000, 3)
        receipt = replace(self._receipt, generation=generation, applied_at=self._clock.wall(), spread_ms=spread)
        receipt = self._held.counted(receipt)
        await self._overseer.observe(MarkApplied(operation.id, receipt))
        await self._overseer.observe(EndOperation(operation.id, OperationState.SUCCEEDED, receipt, _losses(receipt)))

    def told(self, receipt: Receipt) -> Receipt:
        """The receipt of one that has not moved the traffic."""
        counted = self._account.counted(self._receipt) if self._opened else receipt
        return self._held.counted(counted)

    async def _wait_drained(self, until: float) -> bool:
        generation = self._receipt.generation
        watch, pause, cut_at = DrainWatch(generation), FIRST_LOOK, 0.0
        while self._holds:
            now = self._clock.monotonic()
            if self._publisher.all_seen(generation):
                if not self._opened:
                    self._opened, self._receipt = True, self._account.opened(self._receipt)
                if now >= cut_at:
                    cut_at = now + _CUT_AGAIN
                    self._end_tunnels()
                if self._alone() and watch.look(seen_generations(self._fleet), self._account.in_flight(), now):
                    self._drained(now)
                    return True
            if now >= until:
                await self._give_up(self._hindrance(now))
                return False
            await asyncio.sleep(pause)
            pause = min(pause * LOOK_GROWTH, _LAST_LOOK)
        return False

    def _end_tunnels(self) -> None:
        for color in Color:
            self._fleet.send(Cut(self._operation.service, color, self._receipt.generation, tunnels=True))

    async def _flip(self, until: float) -> bool:
        while self._holds:
            if self._served and not self._can_serve():
                gaining = self._operation.gaining
                await self._give_up(
                    f"{gaining} has no healthy upstream any more: requests go to {gaining.other} as before"
                )
                return False
            try:
                await self._overseer.advance(FlipExclusive(self._operation.id))
            except StoreUnavailable as error:
                if self._clock.monotonic() >= until:
                    await self._give_up(f"the switch could not be written down: {error}")
                    return False
                await asyncio.sleep(_STORE_REST)
            except TableTooLarge as error:
                await self._give_up(str(error))
                return False
            except Refused:
                return False
            else:
                return True
        return False

    def _can_serve(self) -> bool:
        service = self._overseer.state.services.get(self._operation.service)
        return service is not None and can_serve(service, self._operation.gaining)

    async def _give_up(self, why: str) -> None:
        try:
            await self._overseer.advance(GiveUpExclusive(self._operation.id, why))
        except Refused:  # somebody else has ended it
            return

    def _hindrance(self, now: float) -> str:
        """Why it is not drained yet."""
        after = f"after {now - self._published:.1f} s"
        if not self._opened:
            return f"not every worker had taken over the table that holds requests {after}"
        left = {color: self._left_on(color) for color in Color}
        words = " and ".join(f"{_in_words(*counts)} on {color}" for color, counts in left.items() if any(counts))
        if not words and not self._alone():
            return f"workers of an earlier program were still serving {after}"
        count = sum(sum(counts) for counts in left.values())
        return f"{words or 'requests'} {'was' if count == 1 else 'were'} still running {after}"

    def _left_on(self, color: Color) -> tuple[int, int]:
        key = (self._operation.service, color.value)
        regions = self._fleet.regions()
        return (
            sum(region.value(Series.IN_FLIGHT, *key) for region in regions),
            sum(region.value(Series.TUNNELS, *key) for region in regions),
        )


def _in_words(requests: int, tunnels: int) -> str:
    parts = [f"{requests} request{'' if requests == 1 else 's'}"] if requests else []
    return " and ".join([*parts, *([f"{tunnels} long-lived"] if tunnels else [])])


def _losses(receipt: Receipt) -> str | None:
    return f"{receipt.dropped} lost with a worker that died" if receipt.dropped else None
