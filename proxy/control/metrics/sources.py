"""Where the numbers come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proxy.control.clock import Clock
from proxy.control.controller import Controller
from proxy.control.health import HealthMonitor
from proxy.control.metrics.processes import ProcessTimes, Usage
from proxy.control.notifications.courier import Result
from proxy.control.outcome import Outcome
from proxy.control.reload import Reloader
from proxy.control.tracing.exporter import Exporter
from proxy.control.worker import WorkerPhase
from proxy.control.workers import Workers
from proxy.shm.exemplars import Exemplar
from proxy.shm.names import Name
from proxy.traffic.model import State

Cells = Mapping[Name, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that one scrape tells, of one moment. Nothing in it changes any more."""

    at: float
    """When it was taken, by the monotonic clock."""
    state: State
    cells: Cells
    exemplars: Mapping[tuple[Name, int], Exemplar]
    checks: Mapping[tuple[str, str, str, str], int]
    """Health checks: service, color, upstream, result."""
    ended: Mapping[tuple[str, str, str], int]
    """Operations: service, kind, result."""
    phases: Mapping[WorkerPhase, int]
    restarts: int
    reloads: Mapping[bool, int]
    """How many were taken, and how many refused."""
    last_reload: float
    store_up: bool
    usage: Mapping[str, Usage]
    """What kinds of processes use."""
    told: Mapping[Result, int]
    """What became of notifications."""
    spans_exported: int
    spans_lost: Mapping[str, int]
    """By what they were lost to, in the supervisor."""


class OperationCounts:
    """How many operations have ended how; follows the controller."""

    def __init__(self) -> None:
        self.ended: Counter[tuple[str, str, str]] = Counter()
        """Service, kind, result."""

    def follow(self, outcome: Outcome) -> None:
        """Count what ended in one change."""
        for operation in outcome.ended:
            self.ended[operation.service, operation.kind.value, operation.state.value] += 1


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read for each scrape."""

    controller: Controller
    workers: Workers
    monitor: HealthMonitor
    reloader: Reloader
    operations: OperationCounts
    told: Mapping[Result, int]
    exporter: Exporter
    clock: Clock
    times: ProcessTimes

    def look(self) -> Snapshot:
        """How things are now. It only copies, so that it may be done in the midst of everything else."""
        workers = self.workers
        return Snapshot(
            at=self.clock.monotonic(),
            state=self.controller.state,
            cells=workers.totals.read(),
            exemplars=workers.totals.exemplars(),
            checks=dict(self.monitor.checks),
            ended=dict(self.operations.ended),
            phases=workers.phases(),
            restarts=workers.restarts,
            reloads=dict(self.reloader.results),
            last_reload=self.reloader.last_success,
            store_up=self.controller.store_up,
            usage=self.times.read(workers.pids),
            told=dict(self.told),
            spans_exported=self.exporter.exported,
            spans_lost=dict(self.exporter.lost),
        )
