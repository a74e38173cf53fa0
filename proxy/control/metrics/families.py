"""The metric families, each with what it says and the series of the meters that it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from proxy.shm.histogram import Histogram
from proxy.shm.names import HISTOGRAM_CELLS, Name, Series
from proxy.traffic.model import State
from proxy.traffic.spec import Color

Cells = Mapping[Name, Sequence[int]]

SERVICE_COLOR = ("service", "color")


@dataclass(frozen=True, slots=True)
class MeterFamily:
    """A family whose samples are cells of the meters: labels and values pass as they are."""

    name: str
    help: str
    series: Series
    labels: tuple[str, ...]


COUNTERS = (
    MeterFamily("bluegreen_http_requests", "Requests answered.", Series.REQUESTS, (*SERVICE_COLOR, "code", "method")),
    MeterFamily(
        "bluegreen_upstream_requests",
        "Requests answered by an upstream.",
        Series.UPSTREAM_REQUESTS,
        (*SERVICE_COLOR, "upstream", "code"),
    ),
    MeterFamily(
        "bluegreen_upstream_failures",
        "Requests that an upstream let down, and connections that it spoiled with bytes beyond an answer.",
        Series.UPSTREAM_FAILURES,
        (*SERVICE_COLOR, "upstream", "reason"),
    ),
    MeterFamily("bluegreen_retries", "Requests sent once more.", Series.RETRIES, (*SERVICE_COLOR, "reason")),
    MeterFamily(
        "bluegreen_dropped_requests",
        "Requests lost by the proxy's own doing.",
        Series.DROPPED,
        (*SERVICE_COLOR, "reason"),
    ),
    MeterFamily("bluegreen_rejected_requests", "Requests answered by the proxy itself.", Series.REJECTED, ("reason",)),
    MeterFamily("bluegreen_preview_requests", "Requests of testers, answered.", Series.PREVIEW_REQUESTS, SERVICE_COLOR),
    MeterFamily("bluegreen_received_bytes", "Bytes received from clients.", Series.RECEIVED_BYTES, SERVICE_COLOR),
    MeterFamily("bluegreen_sent_bytes", "Bytes sent to clients.", Series.SENT_BYTES, SERVICE_COLOR),
    MeterFamily("bluegreen_connections", "Client connections accepted.", Series.CONNECTIONS, ()),
    MeterFamily(
        "bluegreen_accept_pauses",
        "Times that a worker stopped accepting clients for want of something.",
        Series.ACCEPT_PAUSES,
        ("reason",),
    ),
    MeterFamily("bluegreen_access_log_lines_lost", "Access log lines thrown away.", Series.LOG_LINES_LOST, ()),
)

GAUGES = (
    MeterFamily("bluegreen_http_requests_in_flight", "Requests being answered.", Series.IN_FLIGHT, SERVICE_COLOR),
    MeterFamily("bluegreen_tunnels_in_flight", "Tunnels and event streams open.", Series.TUNNELS, SERVICE_COLOR),
    MeterFamily("bluegreen_held_requests", "Requests that are parked.", Series.HELD, ("service",)),
    MeterFamily("bluegreen_open_connections", "Client connections open.", Series.OPEN_CONNECTIONS, ()),
    MeterFamily(
        "bluegreen_accept_paused", "Workers that accept no clients just now.", Series.ACCEPT_PAUSED, ("reason",)
    ),
)

HISTOGRAMS = (
    MeterFamily(
        "bluegreen_http_request_duration_seconds",
        "From a complete request head to the last byte of its answer.",
        Series.DURATION,
        SERVICE_COLOR,
    ),
    MeterFamily(
        "bluegreen_upstream_duration_seconds",
        "From a request being sent to an upstream to the head of its answer.",
        Series.UPSTREAM_DURATION,
        SERVICE_COLOR,
    ),
)


def meter_metrics(cells: Cells, state: State) -> Iterator[Metric]:
    """Every family that workers count. Both colors of each service are there from the start, at zero."""
    for family in COUNTERS:
        counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
        for labels, values in _samples(family, cells, state, size=1):
            counter.add_metric(labels, values[0])
        yield counter
    for family in GAUGES:
        gauge = GaugeMetricFamily(family.name, family.help, labels=family.labels)
        for labels, values in _samples(family, cells, state, size=1):
            gauge.add_metric(labels, values[0])
        yield gauge
    for family in HISTOGRAMS:
        yield _histogram(family, cells, state)


def _histogram(family: MeterFamily, cells: Cells, state: State) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for labels, values in _samples(family, cells, state, size=HISTOGRAM_CELLS):
        histogram = Histogram.from_cells(values)
        bounds = [(_bound(bound), count) for bound, count in histogram.buckets]
        metric.add_metric(labels, buckets=bounds, sum_value=histogram.sum_seconds)
    return metric


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)


def _samples(
    family: MeterFamily, cells: Cells, state: State, *, size: int
) -> Iterator[tuple[Sequence[str], Sequence[int]]]:
    found = {name[1:]: values for name, values in cells.items() if name[0] == family.series}
    if family.labels == SERVICE_COLOR:
        zero = (0,) * size
        found = {**{(name, color.value): zero for name in state.services for color in Color}, **found}
    elif family.labels == ("service",):
        found = {**{(name,): (0,) * size for name in state.services}, **found}
    elif not family.labels:
        found = {(): (0,), **found}
    yield from sorted(found.items())
