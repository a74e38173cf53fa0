"""The metric families that workers count, each with what it says and the series of the meters that it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, Exemplar, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from proxy.control.metrics.presence import Presence
from proxy.control.metrics.sources import Snapshot
from proxy.shm.exemplars import Exemplar as Noted
from proxy.shm.histogram import Histogram
from proxy.shm.names import GAUGES as GAUGE_SERIES
from proxy.shm.names import HISTOGRAM_CELLS, Name, Series
from proxy.shm.region import OVERFLOW_NAME
from proxy.shm.totals import WORKER_DIED
from proxy.traffic.model import State
from proxy.traffic.retry import FailureReason
from proxy.traffic.spec import Color

SERVICE = ("service",)
SERVICE_COLOR = ("service", "color")
UPSTREAM = ("service", "color", "upstream")

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeterFamily:
    """A family whose samples are cells of the meters: labels and values pass as they are."""

    name: str
    help: str
    series: str
    labels: Labels
    zeros: tuple[Labels, ...] = ()
    """Values of the labels behind service, color and upstream that are told from the start, so that the first count
    of what an alert or a panel asks for is a step from 0, and none of the two lacks data before."""

    @property
    def of_what(self) -> Labels:
        """Which of its labels name something in the state: a service, a color of it, an upstream."""
        return next((each for each in (UPSTREAM, SERVICE_COLOR, SERVICE) if self.labels[: len(each)] == each), ())


COUNTERS = (
    MeterFamily(
        "bluegreen_http_requests",
        "Requests answered, by the status that the client was sent; 499 is a client that left before.",
        Series.REQUESTS,
        (*SERVICE_COLOR, "code", "method"),
        zeros=(("200", "GET"), ("500", "GET")),
    ),
    MeterFamily(
        "bluegreen_upstream_requests",
        "Requests answered by an upstream.",
        Series.UPSTREAM_REQUESTS,
        (*UPSTREAM, "code"),
        zeros=(("200",),),
    ),
    MeterFamily(
        "bluegreen_upstream_failures",
        "Requests that an upstream let down, and connections that it spoiled with bytes beyond an answer.",
        Series.UPSTREAM_FAILURES,
        (*UPSTREAM, "reason"),
    ),
    MeterFamily(
        "bluegreen_retries",
        "Requests sent once more.",
        Series.RETRIES,
        (*SERVICE_COLOR, "reason"),
        zeros=((FailureReason.CONNECT_REFUSED,), (FailureReason.RESET,)),
    ),
    MeterFamily(
        "bluegreen_dropped_requests",
        "Requests and tunnels lost by the proxy's own doing.",
        Series.DROPPED,
        (*SERVICE_COLOR, "reason"),
        zeros=((FailureReason.DRAIN_DEADLINE,), (FailureReason.SHUTDOWN,), (WORKER_DIED,)),
    ),
    MeterFamily(
        "bluegreen_rejected_requests",
        "Requests answered by the proxy itself.",
        Series.REJECTED,
        ("reason",),
        zeros=(("no_service",), ("no_upstream",), ("maintenance",), ("too_many_connections",)),
    ),
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
    MeterFamily("bluegreen_meters_overflow", "Counts that found no room in the meters.", OVERFLOW_NAME[0], ()),
)

GAUGES = (
    MeterFamily("bluegreen_http_requests_in_flight", "Requests being answered.", Series.IN_FLIGHT, SERVICE_COLOR),
    MeterFamily("bluegreen_tunnels_in_flight", "Tunnels and event streams open.", Series.TUNNELS, SERVICE_COLOR),
    MeterFamily("bluegreen_held_requests", "Requests that are parked.", Series.HELD, SERVICE),
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


def meter_metrics(snapshot: Snapshot, presence: Presence) -> Iterator[Metric]:
    """Every family that workers count. Both colors of each service are there from the start, at zero."""
    found = _by_series(snapshot.cells)
    for family in COUNTERS:
        counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
        for labels, values in _samples(family, found, snapshot.state, presence, size=1):
            counter.add_metric(labels, values[0])
        yield counter
    for family in GAUGES:
        gauge = GaugeMetricFamily(family.name, family.help, labels=family.labels)
        for labels, values in _samples(family, found, snapshot.state, presence, size=1):
            gauge.add_metric(labels, values[0])
        yield gauge
    for family in HISTOGRAMS:
        metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, values in _samples(family, found, snapshot.state, presence, size=HISTOGRAM_CELLS):
            histogram = Histogram.from_cells(values)
            name = (family.series, *labels)
            buckets = [
                _bucket(bound, count, snapshot.exemplars.get((name, number)))
                for number, (bound, count) in enumerate(histogram.buckets)
            ]
            metric.add_metric(labels, buckets=buckets, sum_value=histogram.sum_seconds)
        yield metric


Found = Mapping[str, Mapping[Labels, Sequence[int]]]


def _by_series(cells: Mapping[Name, Sequence[int]]) -> Found:
    found: dict[str, dict[Labels, Sequence[int]]] = {}
    for name, values in cells.items():
        found.setdefault(name[0], {})[name[1:]] = values
    return found


def _bucket(bound: float, count: int, noted: Noted | None) -> tuple[str, float] | tuple[str, float, Exemplar]:
    shown = "+Inf" if bound == float("inf") else str(bound)
    if noted is None:
        return shown, count
    label = "trace_id" if noted.trace else "request_id"
    return shown, count, Exemplar({label: noted.id}, noted.seconds, noted.at)


def _samples(
    family: MeterFamily, found: Found, state: State, presence: Presence, *, size: int
) -> Iterator[tuple[Labels, Sequence[int]]]:
    of_what = family.of_what
    tails = family.zeros if family.labels != of_what else ((),)
    zero = (0,) * size
    samples: dict[Labels, Sequence[int]] = {(*head, *tail): zero for head in _heads(of_what, state) for tail in tails}
    samples |= {
        labels: values
        for labels, values in found.get(family.series, {}).items()
        if not of_what
        or presence.shows(labels, upstream=of_what == UPSTREAM)
        or (family.series in GAUGE_SERIES and values[0])  # what is still under way there is told as long as it lasts
    }
    yield from sorted(samples.items())


def _heads(of_what: Labels, state: State) -> Iterator[Labels]:
    """What there is of it in the state, as values of these labels."""
    if of_what == UPSTREAM:
        for name, service in state.services.items():
            for color in Color:
                yield from ((name, color.value, each.address) for each in service.pool(color))
    elif of_what == SERVICE_COLOR:
        yield from ((name, color.value) for name in state.services for color in Color)
    elif of_what == SERVICE:
        yield from ((name,) for name in state.services)
    else:
        yield ()
