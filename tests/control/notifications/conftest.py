from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from proxy.config.settings import NotificationEvent, NotificationFormat, NotificationSettings
from proxy.control.admin.views import told
from proxy.control.clock import SystemClock
from proxy.control.notifications.courier import Result
from proxy.control.notifications.notifications import Notifications, Sayings
from proxy.logs.log import EventLog
from proxy.traffic.judgement import Verdict
from tests.control.core import Core
from tests.control.gates.desk import Desk, open_desk

SECRET = b"it stays between us"


def target(
    url: str,
    *on: NotificationEvent,
    kind: NotificationFormat = NotificationFormat.JSON,
    services: tuple[str, ...] = ("*",),
) -> NotificationSettings:
    """Somebody who is told; of everything, unless some events are named."""
    return NotificationSettings(url, kind, frozenset(on or NotificationEvent), services)


@dataclass
class Post:
    """Notifications that follow a core, the targets they have now, and what is logged."""

    core: Core
    notifications: Notifications
    log: Path
    targets: list[NotificationSettings]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """What the judge says, by operation."""

    def result(self, result: Result) -> int:
        """How many messages have come to this."""
        return self.notifications.results[result]

    def logged(self) -> list[dict[str, Any]]:
        """The events in the log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def told_at(desk: Desk) -> list[Any]:
    """The documents that have come."""
    return [json.loads(asked.body) for asked in desk.asked]


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[tuple[Path, EventLog]]:
    """Where events are logged."""
    path = tmp_path / "log"
    with path.open("wb", buffering=0) as file:
        yield path, EventLog(file.fileno())


@pytest.fixture
async def post(core: Core, log_file: tuple[Path, EventLog], request: pytest.FixtureRequest) -> AsyncIterator[Post]:
    """Notifications of a core, patient for half a second or as the parameter says; no targets yet."""
    path, log = log_file
    targets: list[NotificationSettings] = []
    verdicts: dict[str, Verdict] = {}
    sayings = Sayings(lambda: tuple(targets), "https://front.example", told, verdicts.get, SECRET)
    notifications = Notifications(sayings, SystemClock(), log, patience=getattr(request, "param", 0.6))
    await notifications.start()
    core.controller.on_change(notifications.follow)
    yield Post(core, notifications, path, targets, verdicts)
    await notifications.stop()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A receiver; it answers 204."""
    async with open_desk() as desk:
        yield desk
