"""What it takes to carry on a rollout, and the ways in which all its parts use that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from proxy.control.clock import Clock
from proxy.control.controller import Controller
from proxy.control.fleet import Fleet
from proxy.traffic.commands import Fail
from proxy.traffic.model import Operation, Service
from proxy.traffic.rollout.plan import VersionProbe
from proxy.traffic.rollout.rollout import Rollout
from proxy.traffic.rollout.stages import Stage
from proxy.traffic.spec import HealthCheck

HOOK: Final = "hook"
"""Who speaks against a batch that could not be updated, or was not."""

CHECK: Final = "check"
"""Who speaks against a server that is not healthy."""

ReadVersion = Callable[[str, VersionProbe, HealthCheck | None], Awaitable[str | None]]
"""What version the server at an address runs; ``None`` where it does not tell."""


class HookOutcome(Protocol):
    """What became of running a hook."""

    @property
    def ok(self) -> bool:
        """Whether the batch is updated."""
        ...

    @property
    def detail(self) -> str:
        """Why, in a sentence."""
        ...

    @property
    def moved(self) -> Mapping[str, str]:
        """New addresses by old ones, of servers that came back elsewhere."""
        ...

    @property
    def output(self) -> str:
        """What it said, or the end of that."""
        ...


class Hooks(Protocol):
    """Has servers updated."""

    async def run(self, operation: Operation) -> HookOutcome:
        """Have all servers updated that are at that stage. Cancelling it breaks off what runs."""
        ...


class Doorkeeper(Protocol):
    """Asks the gates of a rollout."""

    async def may_begin_batch(self, operation: Operation) -> bool:
        """Whether all gates of its next batch agree; if one does not, the rollout has been failed."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """All of it."""

    controller: Controller
    fleet: Fleet
    gates: Doorkeeper
    hooks: Hooks
    read_version: ReadVersion
    clock: Clock
    alone: Callable[[], bool]
    """Whether no workers of an earlier program serve beside ours, from an older table."""

    def service(self, operation: Operation) -> Service:
        """The service that an operation is about, as it is now."""
        return self.controller.state.services[operation.service]

    def rollout(self, operation: str) -> Rollout | None:
        """A rollout as it is now; ``None`` once it is over."""
        running = self.controller.state.operations.get(operation)
        return running.rollout if running is not None else None

    def stands(self, operation: str, rollout: Rollout, stage: Stage) -> bool:
        """Whether the same batch is still at a stage."""
        now = self.rollout(operation)
        return now is not None and (now.batch, now.stage) == (rollout.batch, stage)

    async def fail(self, operation: Operation, why: str, *, by: str) -> None:
        """Speak against the batch."""
        await self.controller.execute(Fail(operation.id, why), by=by, reason=why)
