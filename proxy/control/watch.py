"""What all watches of operations have in common."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final, Protocol

from proxy.control.clock import Clock
from proxy.control.fleet import Fleet
from proxy.control.outcome import Outcome
from proxy.control.publisher import Publisher
from proxy.traffic.commands import Advance, Observation, OperatorCommand
from proxy.traffic.model import Operation, Receipt, State

logger = logging.getLogger(__name__)

FIRST_LOOK: Final = 0.001
LOOK_GROWTH: Final = 1.5
"""Seconds between the first two looks at a drain, and the factor by which they then grow apart."""

_STILL_RUNNING = 1.0
"""Seconds after which a watch that waits for workers looks whether it has to."""


class Overseer(Protocol):
    """Whom a watch reports to: the controller."""

    state: State

    async def observe(self, command: Observation) -> None:
        """Take note of something."""
        ...

    async def advance(self, command: Advance) -> Outcome:
        """Take a step of an operation. Raises ``Refused``, ``TableTooLarge`` and ``StoreUnavailable``."""
        ...

    async def execute(self, command: OperatorCommand, *, by: str, reason: str) -> Outcome:
        """Carry out what is to be told in the journal. Raises as :meth:`advance`."""
        ...

    async def changed(self, seconds: float) -> None:
        """Return when the state has changed, or after so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """What every watch looks at."""

    overseer: Overseer
    fleet: Fleet
    publisher: Publisher
    clock: Clock


class Watch:
    """Follows one operation to its end."""

    def __init__(self, operation: Operation, scene: Scene) -> None:
        """To be made just before the operation's table is published."""
        assert operation.receipt is not None
        self._operation = operation
        self._receipt: Receipt = operation.receipt
        self._scene = scene
        self._overseer = scene.overseer
        self._fleet = scene.fleet
        self._publisher = scene.publisher
        self._clock = scene.clock
        self._published = scene.clock.monotonic()

    async def run(self) -> None:
        """Follow it, now that its table is published."""
        raise NotImplementedError

    def told(self, receipt: Receipt) -> Receipt:
        """The receipt of an operation that something else than this watch has ended, counted to this moment."""
        raise NotImplementedError

    @property
    def _now(self) -> Operation | None:
        """The operation as it is now; ``None`` once it has ended."""
        return self._overseer.state.operations.get(self._operation.id)

    @property
    def _running(self) -> bool:
        return self._now is not None

    def _since_published_ms(self, moment: float) -> float:
        return round((moment - self._published) * 1000, 3)

    async def _wait_applied(self, generation: int) -> bool:
        while not await self._publisher.wait_seen(generation, _STILL_RUNNING):
            if not self._running:
                return False
            applied = self._publisher.applied(generation)
            waiting = "%s waits for workers to take over generation %d: %d of %d have"
            logger.warning(waiting, self._operation.id, generation, applied.applied, applied.total)
        return self._running
