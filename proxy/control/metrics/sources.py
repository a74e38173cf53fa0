"""Where the numbers come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from proxy.control.controller import Controller
from proxy.control.health import HealthMonitor
from proxy.control.notifications.courier import Result
from proxy.control.outcome import Outcome
from proxy.control.reload import Reloader
from proxy.control.tracing.exporter import Exporter
from proxy.control.workers import Workers


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read for each scrape."""

    controller: Controller
    workers: Workers
    monitor: HealthMonitor
    reloader: Reloader
    operations: OperationCounts
    notifications: Mapping[Result, int]
    """What became of them."""
    exporter: Exporter
    """Has sent spans, and lost some."""


class OperationCounts:
    """How many operations have ended how; follows the controller."""

    def __init__(self) -> None:
        self.ended: Counter[tuple[str, str, str]] = Counter()
        """Service, kind, result."""

    def follow(self, outcome: Outcome) -> None:
        """Count what ended in one change."""
        for operation in outcome.ended:
            self.ended[operation.service, operation.kind.value, operation.state.value] += 1
