"""Everything that the dashboard and the rules ask for is there: asked of a real Prometheus, after an eventful while."""

from __future__ import annotations

import contextlib
import http.client
import math
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.client import Address
from tests.harness.fleet import Fleet
from tests.harness.processes import wait_until
from tests.harness.program import SERVICE, Program
from tests.harness.prometheus import Prometheus, prometheus
from tests.harness.steady import Steady
from tests.monitoring.shipped import RULES, Query, annotation_queries, label_values, metrics_of, panel_queries, rules
from tests.system.shifts import start_shift

pytestmark = [pytest.mark.system, pytest.mark.paced]

SEEN_WITHIN = 20.0
"""Seconds."""

NOTHING_BUT_ZERO = {
    "Numbers lost: log lines": "no disk is slow here",
    "Numbers lost: counts": "the meters have room",
}
"""Queries that find a series, but nothing above 0 in it, because nothing here makes it so."""


@pytest.fixture
def program(tmp_path: Path, fleet: Fleet) -> Iterator[Program]:
    """A front door with a preview, short drains and little room for connections."""
    program = Program(tmp_path, fleet)
    program.config["limits"] = {"max_connections": 60}
    program.service_config["preview"] = {"header": "X-Bluegreen-Color"}
    program.write_config()
    with program:
        program.wait_healthy()
        yield program


@pytest.fixture
def watcher(program: Program) -> Iterator[Prometheus]:
    """A Prometheus with the shipped rules."""
    host, port = program.admin_address
    with prometheus([f"{host}:{port}"], rule_files=RULES, interval="500ms") as running:
        running.wait_scraped()
        yield running


class Evening:
    """Makes things happen, each for as long as it takes Prometheus to see it."""

    def __init__(self, program: Program, fleet: Fleet, watcher: Prometheus) -> None:
        self._program = program
        self._fleet = fleet
        self._watcher = watcher

    def _seen(self, query: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        deadline = time.monotonic() + SEEN_WITHIN
        while not self._watcher.query(query):
            assert time.monotonic() < deadline, f"never seen: {query}"
            meanwhile()
            time.sleep(0.1)  # asking more often than Prometheus looks would only keep it from looking

    def happens(self) -> None:
        """All of it, one after the other."""
        for fleet in self._fleet.upstreams:
            fleet.set_mood(fail_every=20, slow_every=10, slow_ms=20)
        self.testers_and_strangers_come()
        self.both_colors_serve()
        self.a_switch_has_to_wait_for_a_stream()
        self.an_upstream_dies()
        self.requests_are_held()
        self.the_config_is_loaded_again()
        self.the_door_is_full()
        self.workers_die()

    def testers_and_strangers_come(self) -> None:
        """Who asks for a color, and who cannot be served."""
        self._seen("rate(bluegreen_preview_requests_total[2s]) > 0", lambda: self._ask({"X-Bluegreen-Color": "green"}))
        self._seen("rate(bluegreen_rejected_requests_total[2s]) > 0", lambda: self._ask({"Host": "no host"}))

    def both_colors_serve(self) -> None:
        """By a shift."""
        start_shift(self._program, percent=50, over="2s", judge=False)
        self._seen('bluegreen_operations_total{kind="shift",result="succeeded"} > 0')
        self._seen('rate(bluegreen_http_requests_total{color="green",code="500"}[2s]) > 0')

    def a_switch_has_to_wait_for_a_stream(self) -> None:
        """Blue is drained for as long as somebody follows its events."""
        self._program.switch("blue", query="?force=true")
        with streaming(self._program.door):
            self._program.switch("green")
            self._seen('bluegreen_drain_in_flight{color="blue"} > 0')
        self._seen("sum(bluegreen_operation_in_progress) == 0")

    def an_upstream_dies(self) -> None:
        """Its requests are tried again elsewhere until it is found out, and it comes back."""
        dead = self._fleet.green[0]
        dead.kill()
        self._seen(f'bluegreen_upstream_up{{upstream="{dead.address}"}} == 0')
        dead.restart()
        self._seen(f'bluegreen_upstream_up{{upstream="{dead.address}"}} == 1')

    def requests_are_held(self) -> None:
        """Until they are let go."""
        path = f"/v1/services/{SERVICE}"
        assert self._program.admin("POST", f"{path}/hold", {"max_wait": "20s"}).status == 200
        self._seen("bluegreen_held_requests > 0")
        assert self._program.admin("POST", f"{path}/release", {}).status == 200

    def workers_die(self) -> None:
        """With requests in them."""
        with contextlib.ExitStack() as waiting:
            for _ in range(2):
                client = waiting.enter_context(socket.create_connection(self._program.door))
                client.sendall(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
            self._seen("sum(bluegreen_http_requests_in_flight) >= 2")
            for worker in self._program.worker_pids():
                self._program.kill_worker(worker)
            self._seen('sum(bluegreen_dropped_requests_total{reason="worker_died"}) > 0')

    def the_config_is_loaded_again(self) -> None:
        """A bad one first."""
        self._program.write_config("nonsense: true")
        self._program.send_signal(signal.SIGHUP)
        self._seen('bluegreen_config_reloads_total{result="failure"} > 0')
        self._program.write_config()
        self._program.send_signal(signal.SIGHUP)
        self._seen('bluegreen_config_reloads_total{result="success"} > 0')

    def the_door_is_full(self) -> None:
        """Of connections that ask for nothing."""
        with contextlib.ExitStack() as open_ones:
            for _ in range(80):
                open_ones.enter_context(socket.create_connection(self._program.door))
            self._seen('bluegreen_accept_paused{reason="connections"} > 0')

    def _ask(self, headers: dict[str, str]) -> None:
        with contextlib.closing(http.client.HTTPConnection(*self._program.door, timeout=10)) as connection:
            connection.request("GET", "/", headers=headers)
            connection.getresponse().read()


@contextlib.contextmanager
def streaming(address: Address) -> Iterator[None]:
    """Follow an event stream."""
    with socket.create_connection(address) as follower:
        follower.sendall(b"GET /events?count=100000&ms=200 HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: b"data: 0" in follower.recv(65536, socket.MSG_PEEK), timeout=10, what="the first event")
        yield


def test_every_query_of_dashboard_and_rules_finds_what_it_is_about(
    program: Program, fleet: Fleet, watcher: Prometheus
) -> None:
    """Panels, variables, annotations, recording rules and alerts, after each thing has happened that they tell of."""
    began = time.time()
    with Steady(program.door, rate=40):
        Evening(program, fleet, watcher).happens()
    watcher.wait_scraped()

    def values(query: Query) -> list[float]:
        found = watcher.query_range(query.expression, start=began, end=time.time(), step=0.25)
        return [value for _, samples in found for _, value in samples if not math.isnan(value)]

    asked = {query.name: values(query) for query in [*panel_queries(), *annotation_queries()]}
    assert [name for name, found in asked.items() if not found] == []
    assert {name for name, found in asked.items() if not any(found)} == NOTHING_BUT_ZERO.keys()
    for selector, label in label_values():
        assert watcher.ask(f"label/{label}/values", **{"match[]": selector}) != []
    assert [rule["name"] for rule in watcher.rules() if rule["health"] != "ok" or rule.get("lastError")] == []
    names = set().union(
        *(metrics_of(rule["expr"]) for rule in rules()), {r["record"] for r in rules() if "record" in r}
    )
    assert [name for name in sorted(names) if not watcher.query(f"last_over_time({name}[1m])")] == []
    assert watcher.exemplars("bluegreen_http_request_duration_seconds_bucket", start=began, end=time.time()) != []
