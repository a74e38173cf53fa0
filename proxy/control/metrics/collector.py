"""The metric families that the control plane knows, and all families together."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from proxy import __version__
from proxy.control.metrics.families import SERVICE_COLOR, UPSTREAM, meter_metrics
from proxy.control.metrics.presence import Presence
from proxy.control.metrics.sources import Snapshot
from proxy.shm.names import Series
from proxy.traffic.model import FULL_SPLIT, Health, OperationKind, OperationState, Phase, Service
from proxy.traffic.spec import Color

RESULTS = (OperationState.SUCCEEDED, OperationState.FAILED, OperationState.ABORTED, OperationState.ROLLED_BACK)
"""How an operation can end."""

_IN_FLIGHT = (Series.IN_FLIGHT, Series.TUNNELS)


def all_metrics(snapshot: Snapshot, presence: Presence) -> Iterator[Metric]:
    """Every family, made of one look at everything."""
    presence.look(snapshot.state, snapshot.at)
    yield from meter_metrics(snapshot, presence)
    yield from _traffic(snapshot)
    yield from _upstreams(snapshot, presence)
    yield from _operations(snapshot, presence)
    yield from _program(snapshot)
    yield from _processes(snapshot)
    yield from _told(snapshot)


def _services(snapshot: Snapshot) -> Iterator[Service]:
    yield from snapshot.state.services.values()


def _traffic(snapshot: Snapshot) -> Iterator[Metric]:
    split = GaugeMetricFamily("bluegreen_split_ratio", "Share of a color, 0 to 1.", labels=SERVICE_COLOR)
    revision = GaugeMetricFamily("bluegreen_revision", "Revision of what operators want.", labels=("service",))
    for service in _services(snapshot):
        revision.add_metric((service.name,), service.revision)
        for color in Color:
            split.add_metric((service.name, color.value), service.share(color) / FULL_SPLIT)
    yield split
    yield revision
    generation = snapshot.state.generation
    yield GaugeMetricFamily("bluegreen_generation", "Generation of the routing table.", value=generation)


def _upstreams(snapshot: Snapshot, presence: Presence) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "bluegreen_upstream_up",
        "Whether its health checks, if it has any, pass, and it is not ejected.",
        labels=UPSTREAM,
    )
    weight = GaugeMetricFamily("bluegreen_upstream_weight", "Weight of an upstream.", labels=UPSTREAM)
    for service in _services(snapshot):
        for color in Color:
            for each in service.pool(color):
                labels = (service.name, color.value, each.address)
                well = service.spec.health is None or each.health is Health.HEALTHY
                up.add_metric(labels, well and not each.ejected)
                weight.add_metric(labels, each.weight)
    yield up
    yield weight
    checks = CounterMetricFamily("bluegreen_upstream_checks", "Health checks made.", labels=(*UPSTREAM, "result"))
    for key, count in sorted(snapshot.checks.items()):
        if presence.shows(key, upstream=True):
            checks.add_metric(key, count)
    yield checks


def _operations(snapshot: Snapshot, presence: Presence) -> Iterator[Metric]:
    labels = ("service", "kind", "result")
    counts: dict[tuple[str, str, str], int] = {
        (name, kind.value, result.value): 0
        for name in snapshot.state.services
        for kind in OperationKind
        for result in RESULTS
    }
    counts.update(snapshot.ended)
    ended = CounterMetricFamily("bluegreen_operations", "Operations that have ended.", labels=labels)
    for key, count in sorted(counts.items()):
        if presence.shows(key, upstream=False):
            ended.add_metric(key, count)
    yield ended
    yield _in_progress(snapshot)
    yield _draining(snapshot)


def _in_progress(snapshot: Snapshot) -> Metric:
    running = Counter((each.service, each.kind) for each in snapshot.state.operations.values())
    gauge = GaugeMetricFamily("bluegreen_operation_in_progress", "Operations running.", labels=("service", "kind"))
    for service in _services(snapshot):
        for kind in OperationKind:
            gauge.add_metric((service.name, kind.value), running[service.name, kind])
    return gauge


def _draining(snapshot: Snapshot) -> Metric:
    """What is left on a color that is being drained; 0 on one that is not."""
    running = snapshot.state.operations.values()
    draining = [operation for operation in running if operation.phase in (Phase.DRAINING, Phase.HOLDING)]
    leaving = {(each.service, color) for each in draining for color, address in each.leaving if address is None}
    gauge = GaugeMetricFamily("bluegreen_drain_in_flight", "In flight on a draining color.", labels=SERVICE_COLOR)
    for service in _services(snapshot):
        for color in Color:
            here = [snapshot.cells.get((each, service.name, color.value), (0,))[0] for each in _IN_FLIGHT]
            gauge.add_metric((service.name, color.value), sum(here) if (service.name, color) in leaving else 0)
    return gauge


def _program(snapshot: Snapshot) -> Iterator[Metric]:
    workers = GaugeMetricFamily("bluegreen_workers", "Workers by state.", labels=("state",))
    for phase, count in snapshot.phases.items():
        workers.add_metric((phase.value,), count)
    yield workers
    yield CounterMetricFamily("bluegreen_worker_restarts", "Workers replaced.", value=snapshot.restarts)
    reloads = CounterMetricFamily("bluegreen_config_reloads", "Reloads of the config file.", labels=("result",))
    for ok, word in ((True, "success"), (False, "failure")):
        reloads.add_metric((word,), snapshot.reloads.get(ok, 0))
    yield reloads
    yield GaugeMetricFamily(
        "bluegreen_config_last_reload_success_timestamp_seconds",
        "When the config file was last taken, in Unix seconds.",
        value=snapshot.last_reload,
    )
    yield GaugeMetricFamily("bluegreen_store_up", "Whether the store could be written.", value=snapshot.store_up)
    info = GaugeMetricFamily("bluegreen_build_info", "What runs here.", labels=("version", "python"))
    info.add_metric((__version__, platform.python_version()), 1)
    yield info


def _processes(snapshot: Snapshot) -> Iterator[Metric]:
    cpu = CounterMetricFamily(
        "bluegreen_process_cpu_seconds",
        "Processor time of the supervisor, and of all workers together with those that have ended.",
        labels=("process",),
    )
    memory = GaugeMetricFamily(
        "bluegreen_process_resident_memory_bytes",
        "Memory in use by the supervisor, and by all workers together; what they share counts for each.",
        labels=("process",),
    )
    for process, used in snapshot.usage.items():
        cpu.add_metric((process,), used.cpu_seconds)
        memory.add_metric((process,), used.resident_bytes)
    yield cpu
    yield memory


def _told(snapshot: Snapshot) -> Iterator[Metric]:
    """What others were told of operations and of requests."""
    told = CounterMetricFamily("bluegreen_notifications", "What became of notifications.", labels=("result",))
    for result, count in snapshot.told.items():
        told.add_metric((result.value,), count)
    yield told
    exported = snapshot.spans_exported
    yield CounterMetricFamily("bluegreen_spans_exported", "Requests exported as spans.", value=exported)
    lost = CounterMetricFamily("bluegreen_spans_lost", "Requests whose spans were lost.", labels=("reason",))
    [full] = snapshot.cells.get((Series.SPANS_LOST,), (0,))
    for reason, count in {"worker_full": full, **snapshot.spans_lost}.items():
        lost.add_metric((reason,), count)
    yield lost
