from __future__ import annotations

import subprocess
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from proxy.control.metrics.presence import Presence
from proxy.control.metrics.rendering import text_of, wants_openmetrics
from proxy.shm.exemplars import LONGEST_ID, Exemplar
from proxy.shm.names import SHOWN_BUCKETS, Series
from proxy.traffic.model import OperationKind
from proxy.traffic.spec import Color
from tests.control.metrics.snapshots import busy, samples, snapshot
from tests.tools import require_tool

DURATION = (Series.DURATION, "shop", "blue")

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (PROMETHEUS, True),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", True),
        ("", False),
        ("*/*", False),
        ("text/plain;version=0.0.4", False),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;version=1.0.0;q=0, text/plain", False),
        ("application/openmetrics-text;version=9;q=x;;=,", False),
    ],
)
def test_openmetrics_is_for_those_who_ask_for_it(accept: str, wanted: bool) -> None:
    """Whoever does not say that it reads OpenMetrics 1.0 gets the text format that everybody reads."""
    assert wants_openmetrics(accept) is wanted
    _, content_type = text_of(snapshot(), Presence(), accept)
    expected = "application/openmetrics-text; version=1.0.0" if wanted else "text/plain; version=0.0.4"
    assert content_type == f"{expected}; charset=utf-8"


def openmetrics(**changes: Any) -> list[Any]:
    """The families that a strict parser finds."""
    text, _ = text_of(snapshot(**changes), Presence(), PROMETHEUS)
    return list(text_string_to_metric_families(text.decode()))  # type: ignore[no-untyped-call] # the library's


def test_exemplars_stand_at_their_bucket() -> None:
    """Id, duration and time of a request go with the bucket of its service and color, of a trace as trace_id."""
    longest = "z" * LONGEST_ID
    noted = {
        (DURATION, 1): Exemplar(1700000000.25, 0.002, trace=False, id=longest),
        (DURATION, len(SHOWN_BUCKETS)): Exemplar(1700000001.5, 61.5, trace=True, id="4bf92f35"),
    }
    buckets = [
        sample
        for family in openmetrics(exemplars=noted)
        for sample in family.samples
        if family.name == "bluegreen_http_request_duration_seconds" and sample.exemplar
    ]
    found = {(each.labels["color"], each.labels["le"]): each.exemplar for each in buckets}
    assert found.keys() == {("blue", "0.0025"), ("blue", "+Inf")}
    small, large = found["blue", "0.0025"], found["blue", "+Inf"]
    assert (small.labels, small.value, float(small.timestamp)) == ({"request_id": longest}, 0.002, 1700000000.25)
    assert (large.labels, large.value, float(large.timestamp)) == ({"trace_id": "4bf92f35"}, 61.5, 1700000001.5)


def test_the_text_format_has_no_exemplars() -> None:
    """It knows none, and parsers would stumble over them."""
    text, _ = text_of(snapshot(exemplars={(DURATION, 1): Exemplar(1.0, 0.002, False, "abc")}), Presence(), "")
    assert b"abc" not in text


def test_promtool_has_no_complaint_about_any_family() -> None:
    """Names, types, units and help texts are as Prometheus' own linter wants them, with every series present."""
    promtool = require_tool("promtool", package="prometheus")
    text, _ = text_of(busy(), Presence(), "")
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=30)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_both_colors_and_what_alerts_ask_for_are_there_from_the_start() -> None:
    """The first error, drop or failed operation is a step from 0 to 1, and no panel lacks data before."""
    found = samples(snapshot())
    for color in Color:
        for name in ("sent_bytes_total", "http_requests_in_flight", "tunnels_in_flight", "drain_in_flight"):
            assert found[f"bluegreen_{name}", ("shop", color.value)] == 0
        for code in ("200", "500"):
            assert found["bluegreen_http_requests_total", ("shop", color.value, code, "GET")] == 0
        for reason in ("drain_deadline", "shutdown", "worker_died"):
            assert found["bluegreen_dropped_requests_total", ("shop", color.value, reason)] == 0
        assert found["bluegreen_http_request_duration_seconds_count", ("shop", color.value)] == 0
        assert found["bluegreen_upstream_requests_total", ("shop", color.value, "127.0.0.1:1", "200")] == 0
    for kind in OperationKind:
        assert found["bluegreen_operations_total", ("shop", kind.value, "failed")] == 0
        assert found["bluegreen_operation_in_progress", ("shop", kind.value)] == 0
    assert found["bluegreen_rejected_requests_total", ("no_upstream",)] == 0
    assert found["bluegreen_config_reloads_total", ("failure",)] == 0
    assert found["bluegreen_connections_total", ()] == found["bluegreen_meters_overflow_total", ()] == 0
    assert found["bluegreen_held_requests", ("shop",)] == 0


def test_the_buckets_of_latency_reach_from_a_millisecond_to_a_minute() -> None:
    """Both histograms show the same bounds, so that they can be laid over each other."""
    names = ("http_request_duration_seconds", "upstream_duration_seconds")
    for name in names:
        bounds = [labels[2] for (found, labels) in samples(snapshot()) if found == f"bluegreen_{name}_bucket"]
        assert [float(bound) for bound in dict.fromkeys(bounds)] == [*SHOWN_BUCKETS, float("inf")]
    assert (SHOWN_BUCKETS[0], SHOWN_BUCKETS[-1]) == (0.001, 60.0)
