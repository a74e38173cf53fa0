"""Follows the operations and tells the targets of the config file about them, beside everything that matters.

Nothing waits for a target: what happens is put into a queue of bounded length. Nothing of it is kept over a restart.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from proxy.config.settings import NotificationFormat, NotificationSettings
from proxy.control.clock import Clock
from proxy.control.gates.line import Line, Question
from proxy.control.gates.webhook import telling
from proxy.control.notifications.courier import GONE, PATIENCE, Courier, Result
from proxy.control.notifications.happening import Happening, happenings
from proxy.control.notifications.slack import message
from proxy.control.outcome import Outcome
from proxy.logs.log import EventLog
from proxy.traffic.judgement import Verdict
from proxy.traffic.model import Operation

LAST_WORDS: Final = 1.0
"""Seconds that a program which stops gives to what was not told yet."""

_MOST = 4096
"""Bytes that are read of an answer."""


@dataclass(frozen=True, slots=True)
class Sayings:
    """What is told besides the operation itself, and how."""

    targets: Callable[[], Sequence[NotificationSettings]]
    """Who is told, as the config file has it now."""
    page: str | None
    """Where people find the web page; ``None``: nothing links there."""
    show: Callable[[Operation, float], Mapping[str, Any]]
    """An operation as JSON-ready data without secrets, at a Unix time."""
    judge: Callable[[str], Verdict | None]
    """What the judge says of the operation with an id."""
    secret: bytes | None = None
    """What documents are signed with; ``None``: they are not."""


class Notifications:
    """Tells targets what happens to operations."""

    def __init__(self, sayings: Sayings, clock: Clock, log: EventLog, *, patience: float = PATIENCE) -> None:
        """Nothing is told yet. ``patience`` is for how many seconds it is tried to tell something."""
        self._sayings = sayings
        self._clock = clock
        self._log = log
        self._patience = patience
        self._line: Line | None = None
        self._couriers: dict[NotificationSettings, Courier] = {}
        self.results: Counter[Result] = Counter(dict.fromkeys(Result, 0))
        """What became of all messages."""

    async def start(self) -> None:
        """Be ready to tell, within this event loop. Reading the certificates takes too long for the first switch."""
        self._line = Line()

    def follow(self, outcome: Outcome) -> None:
        """Tell what a change did to operations. Never waits."""
        targets = dict.fromkeys(self._sayings.targets())
        for gone in self._couriers.keys() - targets.keys():
            self._couriers.pop(gone).give_up(GONE)
        if not targets:
            return
        for happening in happenings(outcome, self._clock.wall(), self._sayings.judge):
            for target in targets:
                if happening.concerns(target):
                    self._courier(target).tell(happening)

    async def stop(self) -> None:
        """Tell what can be told in a moment, and leave the rest."""
        tasks = [each.task for each in self._couriers.values() if each.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_WORDS)
        for courier in self._couriers.values():
            courier.give_up("the program was stopped")
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._line is not None:
            await self._line.close()

    def _courier(self, target: NotificationSettings) -> Courier:
        """Who brings messages to a target."""
        if target not in self._couriers:
            assert self._line is not None, "started before anything happens"
            self._couriers[target] = Courier(
                target,
                line=self._line,
                compose=self._compose,
                wanted=self._wanted,
                results=self.results,
                clock=self._clock,
                log=self._log,
                patience=self._patience,
            )
        return self._couriers[target]

    def _wanted(self, target: NotificationSettings) -> bool:
        return target in self._sayings.targets()

    def _compose(self, target: NotificationSettings, happening: Happening, now: float) -> Question:
        page, secret = self._sayings.page, self._sayings.secret
        link = f"{page}/operations/{happening.operation.id}" if page else None
        if target.format is NotificationFormat.SLACK:
            return telling(target.url, message(happening, link), at=now, secret=None, most=_MOST)
        shown = dict(self._sayings.show(happening.operation, happening.at))
        told = {**happening.document(shown, link), "sent_at": now}
        return telling(target.url, told, at=now, secret=secret, most=_MOST)
