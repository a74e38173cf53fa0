"""What goes on by itself: shifts and rollouts, each carried on by a task of its own.

Where such an operation stands is in the state and on disk. What runs here looks at it, waits for what is next, and puts
it forward by a command. So an operator may pause, promote or abort it at any moment, and after a restart it goes on
from where it stood.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from proxy.control.controller import Controller
from proxy.control.insisting import STORE_REST
from proxy.control.outcome import Outcome
from proxy.control.publisher import TableTooLarge
from proxy.control.store.base import StoreUnavailable
from proxy.traffic.model import Operation, Phase
from proxy.traffic.refusal import Refused

logger = logging.getLogger(__name__)

T = TypeVar("T")

Step = Callable[[Operation], Awaitable[None]]
"""One move of an operation as it is now, or one wait for what allows the next one."""

LOOK: Final = 0.5
"""Seconds between two looks at what changes unheard: verdicts, sessions, workers of an earlier program."""

FOR_EVER: Final = 3600.0
"""Seconds after which what waits for somebody looks around without reason."""


class Carrier:
    """Carries on every running operation of a phase."""

    def __init__(self, controller: Controller, phase: Phase, name: str) -> None:
        """``name`` is what the tasks are called, with the operation's id."""
        self._controller = controller
        self._phase = phase
        self._name = name
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped = False

    def start(self) -> None:
        """Carry on those that run already, and those that begin from now on."""
        self._controller.on_change(self._follow)
        self._pick_up()

    def let_go(self) -> None:
        """Leave all of them where they stand, without waiting for what is broken off."""
        if self._stopped:  # another blow would keep what is being broken off from ending in order
            return
        self._stopped = True
        for task in self._tasks.values():
            task.cancel()

    async def stop(self) -> None:
        """The same, and wait for it."""
        self.let_go()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _steps(self) -> Step:
        """What carries on one operation. It may remember what matters to that one alone."""
        raise NotImplementedError

    def _follow(self, outcome: Outcome) -> None:
        if outcome.before.operations is not outcome.after.operations:
            self._pick_up()

    def _pick_up(self) -> None:
        for operation in self._controller.state.operations.values():
            if operation.phase is self._phase and operation.id not in self._tasks and not self._stopped:
                task = asyncio.create_task(self._carry_on(operation.id), name=f"{self._name} {operation.id}")
                self._tasks[operation.id] = task

    async def _carry_on(self, operation_id: str) -> None:
        step = self._steps()
        try:
            while (operation := self._running(operation_id)) is not None:
                try:
                    await step(operation)
                except Refused as error:  # it was moved by somebody else meanwhile: look again
                    logger.debug("%s: %s", operation_id, error)
                    await unchanged(self._controller, operation, LOOK)
                except (StoreUnavailable, TableTooLarge) as error:
                    logger.warning("%s cannot go on for now: %s", operation_id, error)
                    await asyncio.sleep(STORE_REST)
                except Exception:  # what nobody carries on would stand there for ever
                    logger.exception("%s cannot go on for now", operation_id)
                    await asyncio.sleep(STORE_REST)
        finally:
            del self._tasks[operation_id]

    def _running(self, operation_id: str) -> Operation | None:
        operation = self._controller.state.operations.get(operation_id)
        return operation if operation is not None and operation.phase is self._phase else None


async def unchanged(controller: Controller, operation: Operation, seconds: float = FOR_EVER) -> bool:
    """Whether so many seconds went by without an operation being changed."""
    return not await controller.until(lambda: controller.state.operations.get(operation.id) is not operation, seconds)


async def while_it_is(controller: Controller, still: Callable[[], bool], work: Coroutine[Any, Any, T]) -> T | None:
    """What comes of some work; ``None`` if the reason for it went away meanwhile: then it is broken off."""
    doing = asyncio.create_task(work)
    looking = asyncio.create_task(_no_longer(controller, still))
    try:
        await asyncio.wait({doing, looking}, return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else None
    finally:
        doing.cancel()
        looking.cancel()
        await asyncio.gather(doing, looking, return_exceptions=True)


async def _no_longer(controller: Controller, still: Callable[[], bool]) -> None:
    while still():
        await controller.changed(FOR_EVER)
