"""Snapshots as the control plane would take them, and what is told of them."""

from __future__ import annotations

import dataclasses
from typing import Final

from prometheus_client.metrics_core import Metric

from proxy.control.metrics.collector import all_metrics
from proxy.control.metrics.families import COUNTERS, GAUGES, HISTOGRAMS, MeterFamily
from proxy.control.metrics.presence import Presence
from proxy.control.metrics.processes import Usage
from proxy.control.metrics.sources import Snapshot
from proxy.control.notifications.courier import Result
from proxy.control.worker import WorkerPhase
from proxy.shm.names import HISTOGRAM_CELLS, Name
from proxy.traffic.model import Service, State, Upstream
from proxy.traffic.spec import Color, ServiceSpec

ADDRESS: Final = "127.0.0.1:1"

VALUES: Final = {"service": "shop", "color": "blue", "upstream": ADDRESS}
"""What the labels of a counted series say; others say ``x``."""


def state(*services: str) -> State:
    """Services with one upstream of each color."""
    pool = (Upstream(ADDRESS),)
    return State(services={name: Service(ServiceSpec(name, (), ()), pool, pool, split=2500) for name in services})


def snapshot(**changes: object) -> Snapshot:
    """One of a program that has just begun and has one service, with some things changed."""
    fresh = Snapshot(
        at=0.0,
        state=state("shop"),
        cells={},
        exemplars={},
        checks={},
        ended={},
        phases=dict.fromkeys(WorkerPhase, 0),
        restarts=0,
        reloads={},
        last_reload=0.0,
        store_up=True,
        usage={"supervisor": Usage(1.5, 1000), "worker": Usage(2.5, 2000)},
        told=dict.fromkeys(Result, 0),
        spans_exported=0,
        spans_lost={},
    )
    return dataclasses.replace(fresh, **changes)  # type: ignore[arg-type] # the fields of the test's choice


def busy() -> Snapshot:
    """One in which every series of every family has been counted."""
    cells: dict[Name, tuple[int, ...]] = {
        (family.series, *(VALUES.get(label, "x") for label in family.labels)): (1,) * size
        for families, size in (((*COUNTERS, *GAUGES), 1), (HISTOGRAMS, HISTOGRAM_CELLS))
        for family in families
    }
    checks = {("shop", color.value, ADDRESS, "ok"): 1 for color in Color}
    return snapshot(cells=cells, checks=checks)


def family_of(series: str) -> MeterFamily:
    """The family that is made of a series."""
    return next(each for each in (*COUNTERS, *GAUGES, *HISTOGRAMS) if each.series == series)


def told(snapshot: Snapshot, presence: Presence | None = None) -> dict[str, Metric]:
    """The families by the names that Prometheus knows them by."""
    families = all_metrics(snapshot, presence or Presence())
    return {each.name + ("_total" if each.type == "counter" else ""): each for each in families}


def samples(snapshot: Snapshot, presence: Presence | None = None) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample, by its name and the values of its labels in their order."""
    families = told(snapshot, presence).values()
    return {(each.name, tuple(each.labels.values())): each.value for family in families for each in family.samples}
