"""What is counted stays counted, and nothing that was answered is left out, whoever dies."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.numbered import Numbered
from tests.harness.processes import wait_until
from tests.harness.program import Program
from tests.harness.scrapes import Samples, Scraping, scrape

KILLS = 20
WORKERS = 4


@pytest.fixture
def load() -> Iterator[Numbered]:
    """Eight clients who have not begun to ask."""
    with Numbered(clients=8, pause=0.02) as load:
        yield load


@pytest.fixture
def door(tmp_path: Path, load: Numbered) -> Iterator[Program]:
    """A front door with four workers before the servers that keep books."""
    with Program(tmp_path, load, workers=WORKERS) as program:
        program.wait_healthy()
        yield program


@pytest.mark.system
@pytest.mark.paced
def test_the_counts_equal_the_clients_own_while_workers_are_killed(door: Program, load: Numbered) -> None:
    """Twenty SIGKILLs under load: no counter falls in any scrape, and in the end every answer was counted once.

    For each status and method the count is what the clients have counted. The one thing that nobody can know is allowed
    for: a request that the upstream had answered, but whose client was cut off, may have been counted or not.
    """
    dice = random.Random(7)
    load.begin(door.door)
    with Scraping(door) as scraping:
        load.wait_for(50)
        for _ in range(KILLS):
            wait_until(
                lambda: scraping.last['bluegreen_workers{state="ready"}'] >= 2,
                timeout=20,
                what=lambda: f"workers: {scraping.last}",
            )
            load.wait_for(5)
            door.kill_worker(dice.choice(sorted(door.worker_pids())))
        load.wait_for(50)
        load.stop()
    wait_until(lambda: door.in_flight() == 0, timeout=10, what="nothing in flight")
    last = scrape(door)

    assert scraping.count > KILLS
    assert scraping.faults == []
    counted = _by_kind(last)
    assert load.answered <= counted <= load.answered + load.unknown, f"unknown: {load.unknown}, cut: {len(load.cut)}"
    assert _sum(last, "http_request_duration_seconds_count") == counted.total()
    assert _sum(last, "http_request_duration_seconds_bucket", 'le="+Inf"') == counted.total()
    assert 0 < _sum(last, "dropped_requests_total", 'reason="worker_died"') <= len(load.cut)
    assert last["bluegreen_worker_restarts_total"] >= KILLS - WORKERS


def _sum(samples: Samples, name: str, label: str = "") -> float:
    start = f"bluegreen_{name}{{"
    return sum(value for key, value in samples.items() if key.startswith(start) and label in key)


def _by_kind(samples: Samples) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for name, value in samples.items():
        if name.startswith("bluegreen_http_requests_total{") and value:
            code, method = re.findall(r'(?:code|method)="(\w+)"', name)
            counted[code, method] += int(value)
    return counted
