"""Reading the config file again: a good one is served from the next request on, of a bad one nothing is taken."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from proxy.config import ConfigError, Settings, load_settings
from proxy.control.clock import Clock
from proxy.control.controller import Controller
from proxy.control.publisher import TableTooLarge
from proxy.control.store.base import StoreUnavailable
from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog
from proxy.traffic.commands import Configure
from proxy.traffic.refusal import Refused

FIXED = {
    "listen": "listen",
    "workers": "workers",
    "admin": "admin",
    "state_path": "state.path",
    "gate_secret_file": "gates.secret_file",
}
"""What a running program cannot change, and what users call it. A file that does is refused whole, so that nothing is
half done."""


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """What became of reading the config file again."""

    ok: bool
    problems: tuple[str, ...]
    at: float
    by: str


class Reloader:
    """Reads the config file of this program, one reload at a time."""

    def __init__(self, path: Path, settings: Settings, controller: Controller, clock: Clock, log: EventLog) -> None:
        """``settings`` is what the file said at the start, read just now."""
        self._path = path
        self._settings = settings
        self._controller = controller
        self._clock = clock
        self._log = log
        self._lock = asyncio.Lock()
        self.last: ReloadResult | None = None
        """What became of it the last time; ``None`` if nobody has asked yet."""
        self.results: Counter[bool] = Counter()
        """How many were taken, and how many refused."""
        self.last_success = clock.wall()

    @property
    def settings(self) -> Settings:
        """What is served now."""
        return self._settings

    async def reload(self, by: str) -> ReloadResult:
        """Read the file now, for ``by``. A bad file changes nothing."""
        async with self._lock:
            problems = await self._take(by)
            result = self.last = ReloadResult(not problems, problems, self._clock.wall(), by)
        self.results[result.ok] += 1
        if result.ok:
            self.last_success = result.at
            self._log.info(LogEvent.CONFIG_RELOADED, by=by)
        for problem in problems:
            self._log.error(LogEvent.CONFIG_REFUSED, by=by, error=problem)
        return result

    async def _take(self, by: str) -> tuple[str, ...]:
        """Serve what the file says; the problems if it cannot be."""
        try:
            settings = await asyncio.to_thread(load_settings, self._path, os.environ)
        except ConfigError as error:
            return tuple(str(problem) for problem in error.problems)
        changed = [name for name in FIXED if getattr(settings, name) != getattr(self._settings, name)]
        if changed:
            names = ", ".join(FIXED[name] for name in changed)
            return (f"{self._path}: {names} cannot change while the program runs; restart it",)
        try:
            await self._controller.execute(Configure(settings.door, settings.services), by=by, reason="reload")
        except (Refused, StoreUnavailable, TableTooLarge) as error:
            return (f"{self._path}: {error}",)
        self._settings = settings
        return ()
