"""A batch that was updated has to show that it is healthy, and that it runs what it should."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from proxy.control.carrying import while_it_is
from proxy.control.rollouts.means import CHECK, HOOK, Means
from proxy.traffic.model import Operation
from proxy.traffic.rollout.commands import MoveBatch
from proxy.traffic.rollout.plan import Readiness
from proxy.traffic.rollout.rollout import Rollout, Turn, hook_version
from proxy.traffic.rollout.stages import Course, Event, Stage
from proxy.traffic.spec import HealthCheck
from proxy.upstream.probe import ProbeResult, probe, reach

_EVERY: Final = 1.0
"""Seconds between two probes of a server that is waited for, unless its health check comes more often."""

_CONNECT: Final = 1.0
"""Seconds for a connection, where no health check is configured."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a batch has shown."""

    sick: str | None = None
    """Who did not become healthy in time, and why, in a sentence."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """What they run now, by address, where they tell."""


class Probing:
    """Probes batches. Nobody else does as long as they are out."""

    def __init__(self, means: Means) -> None:
        """After a restart a batch has all its time once more: while nobody was here, nobody could see it well."""
        self._means = means

    async def step(self, operation: Operation, rollout: Rollout) -> None:
        """Probe until all of the batch are healthy, or time is up."""
        shown = await while_it_is(
            self._means.controller, lambda: self._same(operation, rollout), self._look(operation, rollout)
        )
        if shown is None:
            return
        if shown.sick is not None:
            await self._means.fail(operation, shown.sick, by=CHECK)
        elif complaints := "; ".join(self._wrong_versions(operation, shown.versions)):
            await self._means.fail(operation, f"the hook did nothing: {complaints}", by=HOOK)
        else:
            command = MoveBatch(operation.id, Stage.PROBING, Event.HEALTHY, versions=shown.versions)
            await self._means.controller.advance(command)

    def _same(self, operation: Operation, rollout: Rollout) -> bool:
        """Whether the same servers are waited for: one may be taken out of the pool because it never gets healthy."""
        now = self._means.rollout(operation.id)
        return now is not None and now.under_way == rollout.under_way

    async def _look(self, operation: Operation, rollout: Rollout) -> _Shown:
        check = self._means.service(operation).spec.health
        addresses = [turn.address for turn in rollout.under_way]
        candidates = [_Candidate(address, check, rollout.plan.readiness) for address in addresses]
        await asyncio.gather(*(candidate.wait() for candidate in candidates))
        if sick := "; ".join(candidate.complaint for candidate in candidates if candidate.complaint):
            return _Shown(sick)
        detect = rollout.plan.detect
        if detect is None:
            return _Shown()
        found = await asyncio.gather(*(self._means.read_version(each, detect, check) for each in addresses))
        return _Shown(versions={each: now for each, now in zip(addresses, found, strict=True) if now is not None})

    def _wrong_versions(self, operation: Operation, versions: Mapping[str, str]) -> Iterator[str]:
        rollout = self._means.rollout(operation.id)
        if rollout is None or rollout.plan.detect is None or rollout.course is Course.ABORTING:
            return  # who ends it takes the batch as it is
        for turn in rollout.under_way:
            if complaint := _version_complaint(turn, hook_version(rollout, turn), versions.get(turn.address)):
                yield complaint


class _Candidate:
    """One server that has to become healthy."""

    def __init__(self, address: str, check: HealthCheck | None, readiness: Readiness) -> None:
        self._address = address
        self._check = check
        self._readiness = readiness
        self._pause = min(check.interval, _EVERY) if check else _EVERY
        self._last = "it was never asked"
        self.complaint: str | None = None
        """Why it is not, once time is up."""

    async def wait(self) -> None:
        """Probe until so many in a row are good, or time is up."""
        try:
            async with asyncio.timeout(self._readiness.timeout):
                await self._good_in_a_row()
        except TimeoutError:
            wanted, seconds = self._readiness.consecutive, self._readiness.timeout
            self.complaint = (
                f"{self._address} was not healthy {wanted} times in a row within {seconds:g} s: {self._last}"
            )

    async def _good_in_a_row(self) -> None:
        good = 0
        while good < self._readiness.consecutive:
            result = await self._ask()
            if result.telling:
                good = good + 1 if result.ok else 0
            self._last = result.detail or "the last check was good"
            if good < self._readiness.consecutive:
                await asyncio.sleep(self._pause)

    async def _ask(self) -> ProbeResult:
        if self._check is None:
            return await reach(self._address, _CONNECT)
        return await probe(self._address, self._check)


def _version_complaint(turn: Turn, wanted: str | None, now: str | None) -> str | None:
    if wanted is not None and now is None:
        return f"{turn.address} does not tell its version, which should be {wanted}"
    if wanted is not None and now != wanted:
        return f"{turn.address} still answers version {now}, not {wanted}"
    if wanted is None and now is not None and now == turn.version:
        return f"{turn.address} still answers version {now}"
    return None
