"""A stand-in for an OTLP collector: it decodes what it is sent and answers as it is told, well or badly."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Conduct = Callable[["Collector", BaseHTTPRequestHandler], None]
"""How an export is answered, once it was read."""


def attributes(values: list[KeyValue]) -> dict[str, str | int]:
    """Attributes as plain values."""
    return {
        each.key: each.value.int_value if each.value.HasField("int_value") else each.value.string_value
        for each in values
    }


def well(collector: Collector, handler: BaseHTTPRequestHandler) -> None:
    """Everything is taken."""
    reply(handler, 200, ExportTraceServiceResponse().SerializeToString())


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str = "application/x-protobuf") -> None:
    """One answer."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


class Collector:
    """Listens on a free port of loopback while it is entered."""

    def __init__(self, conduct: Conduct = well) -> None:
        self.conduct = conduct
        self.requests: list[ExportTraceServiceRequest] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.over = threading.Event()
        """Set when it is left: for whoever answers slowly."""

    def __enter__(self) -> Self:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests.append(ExportTraceServiceRequest.FromString(body))
                collector.paths.append(self.path)
                collector.headers.append(dict(self.headers))
                collector.conduct(collector, self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def spans(self) -> list[Span]:
        """All that came, in order."""
        return [
            span
            for request in list(self.requests)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def of_kind(self, kind: Span.SpanKind.ValueType) -> list[Span]:
        """Those of one kind."""
        return [span for span in self.spans if span.kind == kind]
