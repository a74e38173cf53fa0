"""Puts all metrics together for one scrape."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from proxy import __version__
from proxy.control.metrics.families import SERVICE_COLOR, meter_metrics
from proxy.control.metrics.sources import Sources
from proxy.shm.names import Series
from proxy.shm.region import OVERFLOW_NAME
from proxy.traffic.model import FULL_SPLIT, Health, OperationKind, Phase, Service
from proxy.traffic.spec import Color

UPSTREAM = (*SERVICE_COLOR, "upstream")


class FrontDoorCollector(Collector):
    """Reads meters and state anew for each scrape; holds no numbers of its own."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        """All families."""
        state = self._sources.controller.state
        yield from meter_metrics(self._sources.workers.totals.read(), state)
        yield from self._traffic()
        yield from self._upstreams()
        yield from self._operations()
        yield from self._program()
        yield from self._spans()

    def _services(self) -> Iterable[Service]:
        return self._sources.controller.state.services.values()

    def _traffic(self) -> Iterator[Metric]:
        split = GaugeMetricFamily("bluegreen_split_ratio", "Share of a color, 0 to 1.", labels=SERVICE_COLOR)
        revision = GaugeMetricFamily("bluegreen_revision", "Revision of what operators want.", labels=("service",))
        for service in self._services():
            revision.add_metric((service.name,), service.revision)
            for color in Color:
                split.add_metric((service.name, color.value), service.share(color) / FULL_SPLIT)
        yield split
        yield revision
        generation = self._sources.controller.state.generation
        yield GaugeMetricFamily("bluegreen_generation", "Generation of the routing table.", value=generation)

    def _upstreams(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(
            "bluegreen_upstream_up",
            "Whether its health checks, if it has any, pass, and it is not ejected.",
            labels=UPSTREAM,
        )
        weight = GaugeMetricFamily("bluegreen_upstream_weight", "Weight of an upstream.", labels=UPSTREAM)
        for service in self._services():
            for color in Color:
                for each in service.pool(color):
                    labels = (service.name, color.value, each.address)
                    well = service.spec.health is None or each.health is Health.HEALTHY
                    up.add_metric(labels, well and not each.ejected)
                    weight.add_metric(labels, each.weight)
        yield up
        yield weight
        results = (*UPSTREAM, "result")
        checks = CounterMetricFamily("bluegreen_upstream_checks", "Health checks made.", labels=results)
        for key, count in sorted(self._sources.monitor.checks.items()):
            checks.add_metric(key, count)
        yield checks

    def _operations(self) -> Iterator[Metric]:
        labels = ("service", "kind", "result")
        ended = CounterMetricFamily("bluegreen_operations", "Operations that have ended.", labels=labels)
        for key, count in sorted(self._sources.operations.ended.items()):
            ended.add_metric(key, count)
        yield ended
        yield self._in_progress()
        yield self._draining()

    def _in_progress(self) -> Metric:
        running = self._sources.controller.state.operations.values()
        gauge = GaugeMetricFamily("bluegreen_operation_in_progress", "Operations running.", labels=("service", "kind"))
        for service in self._services():
            for kind in OperationKind:
                count = sum(op.service == service.name and op.kind is kind for op in running)
                gauge.add_metric((service.name, kind.value), count)
        return gauge

    def _draining(self) -> Metric:
        """What is left on a color that is being drained; 0 on one that is not."""
        totals = self._sources.workers.totals
        running = self._sources.controller.state.operations.values()
        draining = [operation for operation in running if operation.phase in (Phase.DRAINING, Phase.HOLDING)]
        leaving = {(each.service, color) for each in draining for color, address in each.leaving if address is None}
        gauge = GaugeMetricFamily("bluegreen_drain_in_flight", "In flight on a draining color.", labels=SERVICE_COLOR)
        for service in self._services():
            for color in Color:
                key = (service.name, color.value)
                left = totals.total(Series.IN_FLIGHT, *key) + totals.total(Series.TUNNELS, *key)
                gauge.add_metric(key, left if (service.name, color) in leaving else 0)
        return gauge

    def _spans(self) -> Iterator[Metric]:
        """What became of the requests that were to be exported."""
        exporter, totals = self._sources.exporter, self._sources.workers.totals
        yield CounterMetricFamily("bluegreen_spans_exported", "Requests exported as spans.", value=exporter.exported)
        lost = CounterMetricFamily("bluegreen_spans_lost", "Requests whose spans were lost.", labels=("reason",))
        lost.add_metric(("worker_full",), totals.total(Series.SPANS_LOST))
        for reason, count in exporter.lost.items():
            lost.add_metric((reason,), count)
        yield lost

    def _program(self) -> Iterator[Metric]:
        sources = self._sources
        workers = GaugeMetricFamily("bluegreen_workers", "Workers by state.", labels=("state",))
        for phase, count in sources.workers.phases().items():
            workers.add_metric((phase.value,), count)
        yield workers
        yield CounterMetricFamily("bluegreen_worker_restarts", "Workers replaced.", value=sources.workers.restarts)
        lost = sources.workers.totals.total(*OVERFLOW_NAME)
        yield CounterMetricFamily("bluegreen_meters_overflow", "Counts that found no room in the meters.", value=lost)
        reloads = CounterMetricFamily("bluegreen_config_reloads", "Reloads of the config file.", labels=("result",))
        for ok, word in ((True, "success"), (False, "failure")):
            reloads.add_metric((word,), sources.reloader.results[ok])
        yield reloads
        told = CounterMetricFamily("bluegreen_notifications", "What became of notifications.", labels=("result",))
        for result, count in sources.notifications.items():
            told.add_metric((result.value,), count)
        yield told
        yield GaugeMetricFamily(
            "bluegreen_config_last_reload_success_timestamp_seconds",
            "When the config file was last taken.",
            value=sources.reloader.last_success,
        )
        up = sources.controller.store_up
        yield GaugeMetricFamily("bluegreen_store_up", "Whether the store could be written.", value=up)
        info = GaugeMetricFamily("bluegreen_build_info", "What runs here.", labels=("version", "python"))
        info.add_metric((__version__, platform.python_version()), 1)
        yield info


class Metrics:
    """Renders the metrics."""

    def __init__(self, sources: Sources) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(FrontDoorCollector(sources))

    def render(self, accept: str | None) -> tuple[bytes, str]:
        """The text and its content type, in the format that an ``Accept`` field asks for."""
        encoder, content_type = choose_encoder(accept or "")
        return encoder(self._registry), content_type
