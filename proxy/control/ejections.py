"""Taking out upstreams on which real requests fail, and letting them in again."""

from __future__ import annotations

import asyncio

from proxy.control.controller import Controller
from proxy.control.health import HealthMonitor
from proxy.ipc.messages import Suspect
from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog
from proxy.traffic.commands import ObserveEjection
from proxy.traffic.outlier import may_eject


class Ejections:
    """Decides about upstreams that workers have found to fail several times in a row."""

    def __init__(self, controller: Controller, monitor: HealthMonitor, log: EventLog) -> None:
        self._controller = controller
        self._monitor = monitor
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    def suspect(self, report: Suspect) -> None:
        """A worker complains. Whatever comes of it, the upstream is probed at once."""
        self._monitor.probe_now(report.service, report.color, report.address)
        task = asyncio.create_task(self._judge(report), name=f"ejection of {report.address}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Forget what was to be let in again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _judge(self, report: Suspect) -> None:
        service = self._controller.state.services.get(report.service)
        rule = service.spec.outlier if service else None
        if service is None or rule is None:
            return
        pool = service.pool(report.color)
        if any(each.address == report.address and each.ejected for each in pool):
            return
        fields = {"service": report.service, "color": report.color.value, "upstream": report.address}
        if not may_eject(pool, report.address, rule):
            self._log.warning(LogEvent.EJECTION_WITHHELD, **fields, error=report.reason)
            return
        self._log.warning(LogEvent.UPSTREAM_EJECTED, **fields, seconds=rule.eject_for, error=report.reason)
        await self._observe(report, ejected=True)
        await asyncio.sleep(rule.eject_for)
        self._log.info(LogEvent.UPSTREAM_RESTORED, **fields)
        await self._observe(report, ejected=False)

    async def _observe(self, report: Suspect, *, ejected: bool) -> None:
        await self._controller.observe(ObserveEjection(report.service, report.color, report.address, ejected))
