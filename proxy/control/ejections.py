"""Taking out upstreams on which real requests fail, and letting them in again."""

from __future__ import annotations

import asyncio

from proxy.control.controller import Controller
from proxy.control.health import HealthMonitor
from proxy.ipc.messages import Suspect
from proxy.logs.events import LogEvent
from proxy.logs.lines import Field
from proxy.logs.log import EventLog
from proxy.traffic.commands import ObserveEjection
from proxy.traffic.model import Pool
from proxy.traffic.outlier import may_eject
from proxy.traffic.spec import Color

WITHHELD_FOR = 1.0
"""Seconds in which an upstream that may not be ejected is not judged again: busy workers complain all the time."""

Key = tuple[str, Color, str]


class Ejections:
    """Decides about upstreams that workers have found to fail several times in a row."""

    def __init__(self, controller: Controller, monitor: HealthMonitor, log: EventLog) -> None:
        self._controller = controller
        self._monitor = monitor
        self._log = log
        self._judging = asyncio.Lock()
        self._cases: dict[Key, asyncio.Task[None]] = {}
        """One for each upstream that is being judged, or is out, or was spared just now."""

    def suspect(self, report: Suspect) -> None:
        """A worker complains. Whatever comes of it, the upstream is probed at once."""
        key = (report.service, report.color, report.address)
        if key not in self._cases:
            self._monitor.probe_now(*key)
            self._cases[key] = asyncio.create_task(self._case(key, report), name=f"ejection of {report.address}")

    async def stop(self) -> None:
        """Forget what was to be let in again."""
        cases = tuple(self._cases.values())
        for case in cases:
            case.cancel()
        await asyncio.gather(*cases, return_exceptions=True)

    async def _case(self, key: Key, report: Suspect) -> None:
        try:
            await self._try(report)
        finally:  # here and not in a callback: once it is over, the next complaint must not go unheard
            self._cases.pop(key, None)

    async def _try(self, report: Suspect) -> None:
        seconds = await self._eject(report)
        if seconds is None:
            await asyncio.sleep(WITHHELD_FOR)
            return
        # Whoever removes, updates, or maintains it meanwhile is faster; what it does after that is another case.
        if not await self._controller.until(lambda: not self._is_out(report), seconds):
            self._log.info(LogEvent.UPSTREAM_RESTORED, **_fields(report))
            await self._observe(report, ejected=False)

    async def _eject(self, report: Suspect) -> float | None:
        """Take it out, if that is allowed; for how many seconds."""
        async with self._judging:  # or two at a time might each be allowed because of the other
            service = self._controller.state.services.get(report.service)
            rule = service.spec.outlier if service else None
            if rule is None or self._is_out(report) or self._is_cordoned(report):
                return None
            if not may_eject(self._pool(report), report.address, rule):
                self._log.warning(LogEvent.EJECTION_WITHHELD, **_fields(report), error=report.reason)
                return None
            seconds = rule.eject_for
            self._log.warning(LogEvent.UPSTREAM_EJECTED, **_fields(report), seconds=seconds, error=report.reason)
            await self._observe(report, ejected=True)
            return seconds

    def _pool(self, report: Suspect) -> Pool:
        service = self._controller.state.services.get(report.service)
        return service.pool(report.color) if service else ()

    def _is_out(self, report: Suspect) -> bool:
        return any(each.address == report.address and each.ejected for each in self._pool(report))

    def _is_cordoned(self, report: Suspect) -> bool:
        """Whether a rollout keeps it out: whoever complains does so of what was there before."""
        return any(each.address == report.address and each.cordoned for each in self._pool(report))

    async def _observe(self, report: Suspect, *, ejected: bool) -> None:
        await self._controller.observe(ObserveEjection(report.service, report.color, report.address, ejected))


def _fields(report: Suspect) -> dict[str, Field]:
    return {"service": report.service, "color": report.color.value, "upstream": report.address}
