"""A real Prometheus scrapes the real program under load, and finds what the clients have counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.numbered import Numbered
from tests.harness.processes import wait_until
from tests.harness.program import Program
from tests.harness.prometheus import JOB, Prometheus, prometheus

DURATION = "bluegreen_http_request_duration_seconds"


@pytest.fixture
def load() -> Iterator[Numbered]:
    """Four clients who have not begun to ask."""
    with Numbered(clients=4, pause=0.005) as load:
        yield load


@pytest.fixture
def watched(tmp_path: Path, load: Numbered) -> Iterator[tuple[Program, Prometheus]]:
    """A front door with two workers before the servers that keep books, and who watches it."""
    program = Program(tmp_path, load)
    with prometheus(["{}:{}".format(*program.admin_address)]) as watcher, program:
        program.wait_healthy()
        yield program, watcher


@pytest.mark.system
def test_prometheus_finds_what_the_clients_have_counted(watched: tuple[Program, Prometheus], load: Numbered) -> None:
    """Counts by status and method, quantiles, both colors' series, and exemplars with ids that clients were given."""
    (door, watcher), began = watched, time.time()
    watcher.wait_scraped()
    load.begin(door.door)
    load.wait_for(300)
    load.stop()
    wait_until(lambda: door.in_flight() == 0, timeout=10, what="nothing in flight")
    watcher.wait_scraped()

    assert [(each["health"], each["lastError"]) for each in watcher.targets()] == [("up", "")]
    found = watcher.query("sum by (code, method) (bluegreen_http_requests_total) > 0")
    assert Counter({(each["code"], each["method"]): int(value) for each, value in found}) == load.answered
    assert not load.cut
    _assert_latency(watcher, load)
    _assert_colors(watcher)
    _assert_exemplars(watcher, load, began)


def _assert_latency(watcher: Prometheus, load: Numbered) -> None:
    """Each answer took ten milliseconds at least, and each is counted in one bucket."""
    median, late = (watcher.value(f"histogram_quantile({q}, sum by (le) ({DURATION}_bucket))") for q in (0.5, 0.99))
    assert 0.01 <= median <= late <= 60
    assert watcher.value(f"sum({DURATION}_count)") == load.answered.total()
    assert watcher.value(f"sum({DURATION}_sum)") >= 0.01 * load.answered.total()


def _assert_colors(watcher: Prometheus) -> None:
    """Both colors are there, and what stood still stands at zero."""
    sent = {each["color"]: value for each, value in watcher.query("bluegreen_sent_bytes_total")}
    assert sent["blue"] > 0 == sent["green"]
    share = {each["color"]: value for each, value in watcher.query("bluegreen_split_ratio")}
    assert share == {"blue": 1, "green": 0}
    rates = watcher.query_range(
        "sum by (color) (rate(bluegreen_http_requests_total[2s]))", start=time.time() - 5, end=time.time(), step=1
    )
    assert {each["color"] for each, _ in rates} == {"blue", "green"}
    assert watcher.value('bluegreen_process_resident_memory_bytes{process="worker"}') > 1_000_000


def _assert_exemplars(watcher: Prometheus, load: Numbered, began: float) -> None:
    """They are stored beside the buckets that they stand for, and lead to requests that there were."""
    exemplars = watcher.exemplars(f"{DURATION}_bucket", start=began, end=time.time())
    assert exemplars
    for each in exemplars:
        assert (each.series["service"], each.series["color"], each.series["job"]) == ("default", "blue", JOB)
        assert each.labels["request_id"] in load.ids
        assert 0.01 <= each.value <= float(each.series["le"])
        assert began <= each.at <= time.time()
