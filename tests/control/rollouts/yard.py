"""Servers that are really asked for their health, a hook that updates them, and a core that rolls them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from proxy.control.clock import SystemClock
from proxy.control.doorkeeper import Doorkeeper
from proxy.control.rollouts.means import Means
from proxy.control.rollouts.rollouts import Rollouts
from proxy.traffic.commands import ObserveHealth
from proxy.traffic.model import Health, Operation, Upstream
from proxy.traffic.rollout.commands import StartRollout
from proxy.traffic.rollout.plan import Amount, CommandHook, Readiness, RolloutPlan, SlowStart, VersionProbe
from proxy.traffic.rollout.rollout import Rollout, hook_version
from proxy.traffic.rollout.stages import Stage
from proxy.traffic.spec import Color, HealthCheck, ServiceSpec, UpstreamSpec
from tests.control.asked import Gate
from tests.control.checked import Checked, checked
from tests.control.core import Core, running_core, until

PLAN = RolloutPlan(
    hook=CommandHook(("update",)),
    min_available=Amount(count=1),
    first_watch=0.0,
    readiness=Readiness(consecutive=2, timeout=5.0),
    slow_start=SlowStart(over=0.0),
    watch=0.0,
    judged=False,
    version="v2",
)
"""Nothing in it takes longer than it has to."""

CHECK = HealthCheck(interval=0.01, timeout=1.0, rise=1, fall=1)


@dataclass(frozen=True)
class Said:
    """What a hook said."""

    ok: bool = True
    detail: str = "it went well"
    moved: Mapping[str, str] = field(default_factory=dict)
    output: str = ""


@dataclass
class Smith:
    """The hook: gives servers the version that they are to have, unless a test wants it otherwise."""

    versions: dict[str, str] = field(default_factory=dict)
    """What each server runs."""
    updated: list[tuple[str, str | None]] = field(default_factory=list)
    """Whom it was asked to update, and to what."""
    broken_off: int = 0
    otherwise: Callable[[Operation], Awaitable[Said | None]] | None = None

    async def run(self, operation: Operation) -> Said:
        """Update the batch."""
        assert operation.rollout is not None
        try:
            for turn in operation.rollout.under_way:
                assert turn.stage is Stage.UPDATING
                version = hook_version(operation.rollout, turn)
                self.updated.append((turn.address, version))
            said = await self.otherwise(operation) if self.otherwise is not None else None
            if said is None:
                self.versions |= {address: version or "v2" for address, version in self.updated}
            return said or Said()
        except asyncio.CancelledError:
            self.broken_off += 1
            raise

    async def read(self, address: str, probe: VersionProbe, check: HealthCheck | None) -> str | None:
        """What a server says that it runs."""
        return self.versions.get(address)


@dataclass
class Company:
    """Whether workers of an earlier program are there."""

    alone: bool = True


@dataclass(frozen=True)
class Yard:
    """A core that rolls three servers of blue, which is live, and one of green."""

    core: Core
    servers: Sequence[Checked]
    smith: Smith
    gate: Gate
    company: Company

    @property
    def addresses(self) -> list[str]:
        """Of blue."""
        return [server.address for server in self.servers[:3]]

    @property
    def blue(self) -> dict[str, Upstream]:
        """Its upstreams as they are now."""
        return {each.address: each for each in self.core.controller.state.services["shop"].blue}

    async def start(self, plan: RolloutPlan = PLAN, color: Color = Color.BLUE, *, force: bool = False) -> str:
        """Begin a rollout; its id."""
        outcome = await self.core.controller.execute(StartRollout("shop", color, plan, force), by="ada")
        assert outcome.operation is not None
        return outcome.operation.id

    def running(self, operation: str) -> Operation:
        """The operation as it is now."""
        return self.core.controller.state.operations[operation]

    def rollout(self, operation: str) -> Rollout:
        """The rollout as it is now."""
        rollout = self.running(operation).rollout
        assert rollout is not None
        return rollout

    async def at(self, operation: str, stage: Stage | None, batch: int = 1) -> Rollout:
        """The rollout once a batch is at a stage."""

        def there() -> bool:
            return (self.rollout(operation).batch, self.rollout(operation).stage) == (batch, stage)

        await until(there)
        return self.rollout(operation)

    async def observe(self, address: str, health: Health) -> None:
        """Let a server of blue be seen well, or not."""
        await self.core.controller.observe(ObserveHealth("shop", Color.BLUE, address, health))

    async def ended(self, operation: str) -> Operation:
        """The rollout once it is over."""
        ended = await self.core.controller.wait_ended(operation, 10.0)
        assert ended.ended_at is not None, ended
        return ended


@dataclass
class Plant:
    """What outlives a front door: its servers and its store."""

    path: Path
    servers: Sequence[Checked]
    smith: Smith = field(default_factory=Smith)
    health: HealthCheck | None = CHECK

    @asynccontextmanager
    async def opened(self, *, alone: bool = True) -> AsyncIterator[Yard]:
        """A front door is started before it, and stopped in the end."""
        specs = tuple(UpstreamSpec(server.address) for server in self.servers)
        spec = ServiceSpec("shop", specs[:3], specs[3:], health=self.health)
        gate, company = Gate(), Company(alone)
        async with running_core(self.path, spec, alone=lambda: company.alone) as core:
            keeper = Doorkeeper(core.controller, gate.ask)
            rollouts = Rollouts(
                Means(
                    core.controller,
                    core.crew,
                    keeper,
                    self.smith,
                    self.smith.read,
                    SystemClock(),
                    alone=lambda: company.alone,
                )
            )
            core.controller.resume()
            rollouts.start()
            try:
                yield Yard(core, self.servers, self.smith, gate, company)
            finally:
                await rollouts.stop()
                await keeper.stop()


@asynccontextmanager
async def planted(path: Path, *, health: HealthCheck | None = CHECK) -> AsyncIterator[Plant]:
    """Four healthy servers, which run v1."""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(checked()) for _ in range(4)]
        smith = Smith(versions={server.address: "v1" for server in servers})
        yield Plant(path / "db", servers, smith, health)


def plan(**changes: object) -> RolloutPlan:
    """The quick plan, with something in it otherwise."""
    return replace(PLAN, **changes)  # type: ignore[arg-type]  # what dataclasses take is not told apart by name
