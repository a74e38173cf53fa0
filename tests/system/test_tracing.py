"""Traces through the real program: clients, upstream and collector see the same ones, and a lost collector no one."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.harness.collector import Collector, attributes
from tests.harness.processes import wait_until
from tests.harness.program import Program

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class Seen:
    """An upstream that remembers what it was told of traces; a whole fleet of one color."""

    def __init__(self) -> None:
        self.parents: list[str | None] = []
        seen = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path != "/healthz":
                    seen.parents.append(self.headers["traceparent"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.blue, self.green = [self], list[Seen]()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def upstream() -> Iterator[Seen]:
    """The one upstream."""
    seen = Seen()
    yield seen
    seen.stop()


def _get(program: Program, **headers: str) -> None:
    connection = http.client.HTTPConnection(*program.door, timeout=10)
    connection.request("GET", "/basket", headers=headers)
    assert connection.getresponse().status == 200
    connection.close()


def _reload(program: Program, otlp: dict[str, object] | None, **changes: object) -> None:
    program.config["tracing"] = {"otlp": otlp}
    program.config.update(changes)
    program.write_config()
    before = program.metric("bluegreen_config_reloads_total")
    program.send_signal(signal.SIGHUP)
    wait_until(lambda: program.metric("bluegreen_config_reloads_total") > before, timeout=10, what="reload")


def _settled(program: Program, count: int) -> None:
    """Wait until so many requests were exported or lost."""
    names = ("bluegreen_spans_exported_total", "bluegreen_spans_lost_total")
    wait_until(lambda: sum(map(program.metric, names)) >= count, timeout=20, what=lambda: f"export\n{program.log()}")


def _events(program: Program) -> list[str]:
    return [json.loads(line)["event"] for line in program.log(10**6).splitlines() if line.startswith("{")]


@pytest.mark.system
def test_a_trace_from_client_to_collector(tmp_path: Path, upstream: Seen) -> None:
    """What is sampled is exported, each request once and with the right parents, nothing else; reloads change it.

    When the collector is gone traffic goes on, what is lost is counted, and the log tells of it once.
    """
    program = Program(tmp_path, upstream)
    with program:
        program.wait_healthy()
        with Collector() as collector:
            _check_export(program, upstream, collector)
            _check_own_share(program, upstream, collector)
        assert "trace_export_failed" not in _events(program)
        _check_lost_collector(program, collector)


def _check_export(program: Program, upstream: Seen, collector: Collector) -> None:
    _get(program)
    assert upstream.parents == [None]  # nothing is configured
    _reload(program, {"endpoint": collector.endpoint, "sample": "100%", "service_name": "door"})
    for _ in range(20):
        _get(program)
    _get(program, traceparent=f"00-{TRACE}-{PARENT}-00")
    _settled(program, 21)
    servers, clients = collector.of_kind(Span.SPAN_KIND_SERVER), collector.of_kind(Span.SPAN_KIND_CLIENT)
    told = [f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" for span in clients]
    assert sorted(told) == sorted(each or "" for each in upstream.parents[1:])
    assert {(s.trace_id, s.span_id) for s in servers} == {(s.trace_id, s.parent_span_id) for s in clients}
    (ours,) = (span for span in servers if span.parent_span_id)
    assert (ours.trace_id.hex(), ours.parent_span_id.hex()) == (TRACE, PARENT)
    said = attributes(list(ours.attributes))
    assert (said["bluegreen.color"], said["bluegreen.upstream"]) == ("blue", upstream.address)


def _check_own_share(program: Program, upstream: Seen, collector: Collector) -> None:
    """A stranger's flag has nothing exported, a trusted proxy's has."""
    otlp: dict[str, object] = {"endpoint": collector.endpoint, "sample": "0%"}
    _reload(program, otlp)
    for _ in range(5):
        _get(program, traceparent=f"00-{TRACE}-{PARENT}-01")
    _reload(program, otlp, trusted_proxies=["127.0.0.0/8"])
    _get(program, traceparent=f"00-{TRACE}-{PARENT}-01")
    _settled(program, 22)
    assert len(collector.of_kind(Span.SPAN_KIND_SERVER)) == 22
    assert all((each or "").endswith("-01") for each in upstream.parents[-6:])


def _check_lost_collector(program: Program, collector: Collector) -> None:
    _reload(program, {"endpoint": collector.endpoint, "sample": "100%"})
    for _ in range(20):
        _get(program)
    _settled(program, 42)
    assert program.metric("bluegreen_spans_exported_total") == 22
    assert _events(program).count("trace_export_failed") == 1
