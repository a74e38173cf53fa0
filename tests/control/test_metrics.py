from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tests.harness.fleet import Fleet
from tests.harness.load import Load
from tests.harness.processes import wait_until
from tests.harness.program import Program
from tests.tools import require_tool

pytestmark = pytest.mark.system

FAMILIES = """
    http_requests_total http_request_duration_seconds upstream_requests_total upstream_duration_seconds
    http_requests_in_flight tunnels_in_flight open_connections connections_total received_bytes_total sent_bytes_total
    split_ratio upstream_up upstream_weight upstream_checks_total upstream_failures_total retries_total
    rejected_requests_total preview_requests_total dropped_requests_total operations_total operation_in_progress
    drain_in_flight generation
    revision worker_restarts_total workers config_reloads_total config_last_reload_success_timestamp_seconds store_up
    build_info
"""

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """A running front door with one upstream of each color."""
    fleet = Fleet(tmp_path, blue=1, green=1)
    try:
        with Program(tmp_path, fleet) as program:
            program.wait_healthy()
            yield program
    finally:
        fleet.stop()


def scrape(program: Program) -> str:
    """The text that Prometheus would get."""
    return str(program.admin("GET", "/metrics").body)


def samples(program: Program) -> Samples:
    """Every sample of a scrape, by name and labels."""
    families = text_string_to_metric_families(scrape(program))
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def counters(program: Program) -> Samples:
    """What may never fall."""
    ends = ("_total", "_bucket", "_sum", "_count")
    return {key: value for key, value in samples(program).items() if key[0].endswith(ends)}


def test_both_colors_are_there_before_the_first_request(program: Program) -> None:
    """A dashboard shows zeros instead of nothing, and an alert on a missing series does not fire."""
    found = samples(program)

    for name in ("http_requests_in_flight", "tunnels_in_flight", "sent_bytes_total", "split_ratio", "drain_in_flight"):
        for color in ("blue", "green"):
            assert (f"bluegreen_{name}", (("color", color), ("service", "default"))) in found
    for name in ("http_request_duration_seconds_count", "upstream_duration_seconds_count"):
        assert found[f"bluegreen_{name}", (("color", "green"), ("service", "default"))] == 0


def test_every_documented_family_is_there_and_promtool_has_no_complaint(program: Program) -> None:
    """Under load, so that every kind of series has samples; both formats can be parsed."""
    promtool = require_tool("promtool", package="prometheus")
    with Load(program.door) as load:
        load.wait_for(300)
        program.switch("green")
        load.wait_for(100)
        load.stop()
    text = scrape(program)

    told = set(re.findall(r"^# TYPE bluegreen_(\w+)", text, re.MULTILINE))
    assert told >= set(FAMILIES.split())
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    answer = program.admin("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    families = parse_openmetrics(answer.body)  # type: ignore[no-untyped-call] # the library's
    assert {family.name for family in families} >= {"bluegreen_http_requests"}


def test_no_counter_falls_when_workers_die(program: Program) -> None:
    """Scrapes while one worker after the other is killed only ever grow, and no series disappears."""
    with Load(program.door) as load:
        load.wait_for(300)
        last = counters(program)
        for _ in range(4):
            program.kill_worker(min(program.worker_pids()))
            for _ in range(5):
                now = counters(program)
                assert now.keys() >= last.keys()
                assert {key: value for key, value in last.items() if now[key] < value} == {}
                last = now
            wait_until(lambda: len(program.worker_pids()) == 2, timeout=10, what="a new worker")
        load.stop()
    wait_until(lambda: program.metric("bluegreen_http_requests_in_flight") == 0, timeout=5, what="nothing in flight")
    assert program.metric("bluegreen_worker_restarts_total") == 4
    assert program.metric("bluegreen_workers") == 2


def test_no_client_can_invent_a_label_value(program: Program) -> None:
    """Methods, paths and hosts without end make no series without end."""
    before = len(samples(program))
    for number in range(60):
        with socket.create_connection(program.door) as client:
            head = f"M{number}X /p{number}?q={number} HTTP/1.1\r\nHost: h{number}.example\r\nX-Id: {number}\r\n"
            client.sendall(f"{head}Connection: close\r\n\r\n".encode())
            while client.recv(65536):
                pass

    assert len(samples(program)) - before < 40, scrape(program)
