"""Active health checks: each upstream is probed in a rhythm of its own, and verdicts become observations."""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proxy.control.bell import Bell
from proxy.control.controller import Controller
from proxy.control.outcome import Outcome
from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog
from proxy.traffic.commands import ObserveHealth
from proxy.traffic.health import RiseFall
from proxy.traffic.model import Health, Phase, State
from proxy.traffic.spec import AdminState, Color, HealthCheck, ServiceSpec
from proxy.upstream.probe import ProbeResult, probe, resolve

AT_ONCE = 64
"""So many probes may be under way together, so that a large pool does not use up our descriptors."""

QUICK = 0.1
"""Seconds between the probes of a healthy upstream on which real requests fail, until the doubt is settled."""


@dataclass(frozen=True, slots=True)
class Target:
    """One upstream as it is probed."""

    service: str
    color: Color
    address: str
    check: HealthCheck


class HealthMonitor:
    """Probes every upstream that operators have not put into maintenance, and that no rollout keeps out."""

    def __init__(self, controller: Controller, log: EventLog) -> None:
        self._controller = controller
        self._log = log
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._watches: dict[Target, asyncio.Task[None]] = {}
        self._hurry: dict[tuple[str, Color, str], asyncio.Event] = {}
        self._stopped = False
        self._unheard: set[Target] = set()
        """Those that have not been probed yet."""
        self._heard = Bell()
        self.checks: Counter[tuple[str, str, str, str]] = Counter()
        """How many probes ended how: service, color, upstream, result."""

    def start(self) -> None:
        """Probe from now on, beginning with everything at once; follow the state."""
        self._controller.on_change(self._follow)
        self._sync(self._controller.state)

    async def first_round(self, seconds: float) -> None:
        """Wait until every upstream has been probed once, but no longer than so many seconds."""
        await self._heard.until(lambda: not self._unheard, seconds=seconds)

    async def stop(self) -> None:
        """Probe no more."""
        self._stopped = True
        for watch in self._watches.values():
            watch.cancel()
        await asyncio.gather(*self._watches.values(), return_exceptions=True)

    def probe_now(self, service: str, color: Color, address: str) -> None:
        """Do not wait for the rhythm: there is reason to doubt this upstream."""
        if (hurry := self._hurry.get((service, color, address))) is not None:
            hurry.set()

    async def resolve(self, address: str) -> Sequence[str]:
        """The IP addresses that the host of ``host:port`` stands for. Raises ``OSError`` where there are none."""
        return await resolve(address)

    async def healthy(self, service: ServiceSpec, address: str) -> bool:
        """Whether one health check of the service, made now, finds the upstream good."""
        return service.health is None or (await probe(address, service.health)).ok

    def _follow(self, outcome: Outcome) -> None:
        if self._stopped or (outcome.entry is None and not _rolled(outcome)):  # nothing else is there to probe then
            return
        if not _same_targets(outcome.before, outcome.after):
            self._sync(outcome.after)

    def _sync(self, state: State) -> None:
        wanted = set(_targets(state))
        for target in self._watches.keys() - wanted:
            self._watches.pop(target).cancel()
            self._has_been_probed(target)
        for target in wanted - self._watches.keys():
            self._unheard.add(target)
            name = f"health of {target.address}"
            self._watches[target] = asyncio.create_task(self._watch(target), name=name)

    async def _watch(self, target: Target) -> None:
        key = (target.service, target.color, target.address)
        hurry = self._hurry[key] = asyncio.Event()
        verdict = RiseFall(target.check.rise, target.check.fall, self._known(target))
        pause, quick = target.check.interval * _phase(target), False
        try:
            while True:
                hurry.clear()
                verdict = await self._judge(target, verdict)
                self._has_been_probed(target)
                quick = quick and verdict.health is Health.HEALTHY and verdict.against > 0
                quick = await _rest(hurry, min(QUICK, pause) if quick else pause) or quick
                pause = target.check.interval
        finally:
            if self._hurry.get(key) is hurry:
                del self._hurry[key]

    def _has_been_probed(self, target: Target) -> None:
        self._unheard.discard(target)
        self._heard.ring()

    async def _judge(self, target: Target, verdict: RiseFall) -> RiseFall:
        """Probe once; the verdict then. A fault of our own speaks neither for nor against an upstream."""
        try:
            async with self._gate:
                result = await probe(target.address, target.check)
            self.checks[target.service, target.color.value, target.address, result.reason.value] += 1
            verdict = verdict.observe(result.ok) if result.telling else verdict
            if verdict.health is not self._known(target):
                await self._tell(target, verdict.health, result)
        except Exception as error:  # noqa: BLE001 - a watch that ends would leave the last verdict standing for ever
            self._log.error(LogEvent.UNEXPECTED, error=repr(error), where=f"health of {target.address}")
        return verdict

    def _known(self, target: Target) -> Health:
        service = self._controller.state.services.get(target.service)
        pool = service.pool(target.color) if service else ()
        return next((each.health for each in pool if each.address == target.address), Health.UNKNOWN)

    async def _tell(self, target: Target, health: Health, result: ProbeResult) -> None:
        fields = {"service": target.service, "color": target.color.value, "upstream": target.address}
        if health is Health.HEALTHY:
            self._log.info(LogEvent.UPSTREAM_HEALTHY, **fields)
        else:
            self._log.warning(LogEvent.UPSTREAM_UNHEALTHY, **fields, error=result.detail)
        await self._controller.observe(ObserveHealth(target.service, target.color, target.address, health))


def _phase(target: Target) -> float:
    """Where in the interval the probes of an upstream lie, 0 to 1, so that those of a large pool do not coincide."""
    return zlib.crc32(f"{target.service} {target.color} {target.address}".encode()) / 2**32


async def _rest(hurry: asyncio.Event, seconds: float) -> bool:
    """Wait so many seconds; ``True`` if that was cut short."""
    try:
        async with asyncio.timeout(seconds):
            return await hurry.wait()
    except TimeoutError:
        return False


def _rolled(outcome: Outcome) -> bool:
    """Whether a rollout has taken servers out, or let them come back, at the latest by its end."""
    after = outcome.operation
    before = outcome.before.operations.get(after.id) if after is not None else None
    if after is None or after.rollout is None or before is None or before.rollout is None:
        return False
    return after.phase is Phase.ENDED or before.rollout.stage is not after.rollout.stage


def _same_targets(before: State, after: State) -> bool:
    """Whether it can be told at a glance that there is nothing else to probe, as after a switch."""
    return before.services.keys() == after.services.keys() and all(
        old.spec is new.spec and old.blue is new.blue and old.green is new.green
        for name, new in after.services.items()
        if (old := before.services[name]) is not new
    )


def _targets(state: State) -> Iterator[Target]:
    for service in state.services.values():
        if service.spec.health is None:
            continue
        for color in Color:
            for upstream in service.pool(color):
                if upstream.admin is not AdminState.MAINT and not upstream.cordoned:
                    yield Target(service.name, color, upstream.address, service.spec.health)
