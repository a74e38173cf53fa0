"""The exporter before collectors of all sorts: what they get, and that nothing they do matters to anybody else."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from proxy import __version__
from proxy.config.settings import OtlpSettings
from proxy.control.tracing.exporter import Bounds, Exporter
from proxy.ipc.messages import SpanNote, Spans
from proxy.logs.log import EventLog
from tests.control.core import until
from tests.harness.collector import Collector, Conduct, attributes, reply, well
from tests.harness.processes import free_port

BOUNDS = Bounds(waiting=100, gathering=0.02, timeout=0.2, pauses=(0.01, 0.01))
NOTE = SpanNote(
    trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    span_id="00f067aa0ba902b7",
    parent_id="53995c3f42cd8ad8",
    upstream_span_id="b7ad6b7169203331",
    began=1_700_000_000.25,
    asked=1_700_000_000.5,
    ended=1_700_000_001.0,
    method="GET",
    scheme="https",
    authority="shop.example:8443",
    path="/basket",
    version=11,
    client="192.0.2.7",
    peer="10.0.0.1",
    status=200,
    attempts=2,
    outcome="finished",
    service="shop",
    color="green",
    upstream="[::1]:9101",
    generation=42,
    operation="op-7",
)


class Rig:
    """An exporter with its settings and its log."""

    def __init__(self, settings: OtlpSettings | None, log: Path) -> None:
        self.settings = settings
        self._log = log
        self._file = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self.exporter = Exporter(lambda: self.settings, EventLog(self._file), BOUNDS)

    def take(self, *notes: SpanNote) -> None:
        """Have requests exported."""
        self.exporter.take(Spans(notes))

    async def settled(self, count: int) -> None:
        """Wait until so many requests are exported or lost."""
        await until(lambda: self.exporter.exported + self.exporter.lost.total() >= count)

    @property
    def events(self) -> list[str]:
        """What was said in the log."""
        return [json.loads(line)["event"] for line in self._log.read_text().splitlines()]

    async def stop(self) -> None:
        """End it."""
        await self.exporter.stop()
        os.close(self._file)


@asynccontextmanager
async def exporting(log: Path, endpoint: str | None, headers: Path | None = None) -> AsyncIterator[Rig]:
    """An exporter that sends to a collector."""
    rig = Rig(OtlpSettings(f"{endpoint}/v1/traces", "front", headers) if endpoint else None, log)
    try:
        yield rig
    finally:
        await rig.stop()


async def test_a_request_becomes_two_spans(tmp_path: Path) -> None:
    """One of kind server below what the client said, and below it one of kind client, which the upstream knows."""
    with Collector() as collector:
        async with exporting(tmp_path / "log", collector.endpoint) as rig:
            rig.take(NOTE)
            await rig.settled(1)
            assert (rig.exporter.exported, rig.events) == (1, [])
    server, client = collector.spans
    assert collector.paths == ["/v1/traces"]
    assert [span.kind for span in (server, client)] == [Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT]
    assert {span.trace_id.hex() for span in (server, client)} == {NOTE.trace_id}
    assert (server.parent_span_id.hex(), server.span_id.hex()) == (NOTE.parent_id, NOTE.span_id)
    assert (client.parent_span_id, client.span_id.hex()) == (server.span_id, NOTE.upstream_span_id)
    assert (server.start_time_unix_nano, client.start_time_unix_nano, server.end_time_unix_nano) == (
        1_700_000_000_250_000_000,
        1_700_000_000_500_000_000,
        client.end_time_unix_nano,
    )
    assert (server.name, server.status.code) == ("GET", Status.STATUS_CODE_UNSET)


async def test_attributes_follow_the_conventions(tmp_path: Path) -> None:
    """What is told of a request has the names of the semantic conventions, and our own begin with bluegreen."""
    with Collector() as collector:
        async with exporting(tmp_path / "log", collector.endpoint) as rig:
            rig.take(NOTE)
            await rig.settled(1)
    (resource,) = collector.requests[0].resource_spans
    said = attributes(list(resource.resource.attributes))
    assert (said["service.name"], said["service.version"]) == ("front", __version__)
    assert said["host.name"]
    server, client = (attributes(list(span.attributes)) for span in collector.spans)
    ours = {
        "bluegreen.service": "shop",
        "bluegreen.color": "green",
        "bluegreen.upstream": "[::1]:9101",
        "bluegreen.generation": 42,
        "bluegreen.operation": "op-7",
        "bluegreen.attempts": 2,
        "bluegreen.outcome": "finished",
        "http.request.method": "GET",
        "http.response.status_code": 200,
    }
    assert server == ours | {
        "url.path": "/basket",
        "url.scheme": "https",
        "server.address": "shop.example",
        "server.port": 8443,
        "client.address": "192.0.2.7",
        "network.peer.address": "10.0.0.1",
        "network.protocol.version": "1.1",
    }
    assert client == ours | {
        "url.full": "http://[::1]:9101/basket",
        "server.address": "::1",
        "server.port": 9101,
        "http.request.resend_count": 1,
    }


async def test_refusals_and_methods_of_nobody(tmp_path: Path) -> None:
    """A request that went nowhere has no child and says why; a method that nobody knows is no name of a span."""
    refused = NOTE._replace(
        parent_id="", upstream_span_id="", asked=0.0, method="PROPFIND", status=503, outcome="no_upstream", upstream=""
    )
    with Collector() as collector:
        async with exporting(tmp_path / "log", collector.endpoint) as rig:
            rig.take(refused)
            await rig.settled(1)
    (span,) = collector.spans
    said = attributes(list(span.attributes))
    assert (span.name, span.parent_span_id, span.status.code) == ("HTTP", b"", Status.STATUS_CODE_ERROR)
    assert (said["http.request.method"], said["http.request.method_original"]) == ("_OTHER", "PROPFIND")
    assert (said["error.type"], "bluegreen.upstream" in said) == ("no_upstream", False)


async def test_headers_for_the_collector(tmp_path: Path) -> None:
    """What stands in the file goes with each export, as it stands there at that moment."""
    file = tmp_path / "headers"
    with Collector() as collector:
        async with exporting(tmp_path / "log", collector.endpoint, file) as rig:
            for count, token in enumerate(("one", "two"), start=1):
                file.write_text(f"# for the collector\n\nAuthorization: Bearer {token}\n")
                rig.take(NOTE)
                await rig.settled(count)
    assert [fields["Authorization"] for fields in collector.headers] == ["Bearer one", "Bearer two"]
    assert collector.headers[0]["Content-Type"] == "application/x-protobuf"


def _rejects_all(collector: Collector, handler: BaseHTTPRequestHandler) -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    reply(handler, 200, answer.SerializeToString())


async def test_what_a_collector_does_not_take_is_counted(tmp_path: Path) -> None:
    """An answer may say that spans were rejected; they are not sent again."""
    with Collector(_rejects_all) as collector:
        async with exporting(tmp_path / "log", collector.endpoint) as rig:
            rig.take(NOTE)
            await rig.settled(1)
            assert (rig.exporter.exported, rig.exporter.lost["not_delivered"]) == (0, 1)
    assert len(collector.requests) == 1


def _busy(collector: Collector, handler: BaseHTTPRequestHandler) -> None:
    collector.conduct = well
    reply(handler, 503, b"")


async def test_a_busy_collector_is_asked_again(tmp_path: Path) -> None:
    """One that says that it will take the same later gets it later, and nothing is lost or said."""
    with Collector(_busy) as collector:
        async with exporting(tmp_path / "log", collector.endpoint) as rig:
            rig.take(NOTE)
            await rig.settled(1)
            assert (rig.exporter.exported, rig.exporter.lost.total(), rig.events) == (1, 0, [])
    assert len(collector.requests) == 2


def _answers(status: int, body: bytes) -> Conduct:
    return lambda collector, handler: reply(handler, status, body)


def _hangs(collector: Collector, handler: BaseHTTPRequestHandler) -> None:
    collector.over.wait(10)


def _drips(collector: Collector, handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not collector.over.wait(0.05):
        try:
            handler.wfile.write(b"a")
            handler.wfile.flush()
        except OSError:
            return


def _breaks_off(collector: Collector, handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 9\r\n\r\na")


def _talks_nonsense(collector: Collector, handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\xff" * 200)


@pytest.mark.parametrize(
    "conduct",
    [
        _answers(500, b""),
        _answers(400, b"no"),
        _answers(200, b"\xff" * 9),
        _hangs,
        _drips,
        _breaks_off,
        _talks_nonsense,
    ],
    ids=["500", "400", "rubbish", "hangs", "drips", "breaks off", "nonsense"],
)
async def test_a_bad_collector_is_told_of_once(tmp_path: Path, conduct: Conduct) -> None:
    """What it does not take is counted, the log says so once, and once more when it is well again."""
    with Collector(conduct) as collector:
        async with exporting(tmp_path / "log", collector.endpoint) as rig:
            for count in (1, 2):
                rig.take(NOTE)
                await rig.settled(count)
            assert (rig.exporter.exported, rig.exporter.lost["not_delivered"]) == (0, 2)
            assert rig.events == ["trace_export_failed"]
            collector.conduct = well
            rig.take(NOTE)
            await rig.settled(3)
            assert rig.exporter.exported == 1
            await until(lambda: rig.events == ["trace_export_failed", "trace_export_recovered"])


async def test_nobody_there(tmp_path: Path) -> None:
    """Without a collector requests are lost and counted, and taking them never waits: beyond the queue at once."""
    async with exporting(tmp_path / "log", f"http://127.0.0.1:{free_port()}") as rig:
        rig.take(*[NOTE] * (BOUNDS.waiting + 900))
        assert rig.exporter.lost["queue_full"] > 0
        await rig.settled(BOUNDS.waiting + 900)
        assert (rig.exporter.exported, rig.events) == (0, ["trace_export_failed"])


async def test_turned_off_and_elsewhere(tmp_path: Path) -> None:
    """Each export goes where the config says then; what comes after it was turned off goes nowhere."""
    with Collector() as first, Collector() as second:
        async with exporting(tmp_path / "log", first.endpoint) as rig:
            rig.take(NOTE)
            await rig.settled(1)
            rig.settings = OtlpSettings(f"{second.endpoint}/v1/traces", "other")
            rig.take(NOTE)
            await rig.settled(2)
            rig.settings = None
            rig.take(NOTE)
            await rig.settled(3)
    assert [len(each.requests) for each in (first, second)] == [1, 1]
    assert (rig.exporter.lost["not_delivered"], rig.events) == (1, [])


async def test_the_end_sends_what_is_left(tmp_path: Path) -> None:
    """What was taken just before the end of the program is exported still."""
    with Collector() as collector:
        async with exporting(tmp_path / "log", collector.endpoint) as rig:
            rig.take(*[NOTE] * BOUNDS.waiting)
    assert len(collector.spans) == 2 * BOUNDS.waiting


async def test_a_collector_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """The loop goes on meanwhile, and the end comes although nothing was answered."""
    with Collector(_hangs) as collector:
        async with exporting(tmp_path / "log", collector.endpoint) as rig:
            rig.take(NOTE)
            await until(lambda: bool(collector.requests))
    assert rig.exporter.exported == 0
