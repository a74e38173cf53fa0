"""Notes of requests as spans, by the semantic conventions for HTTP, in the protobuf messages of OTLP.

A request is a span of kind server; the part in which an upstream had it is a child of kind client, whose id the
upstream was told as its parent. This is the only file that knows protobuf.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from proxy import __version__
from proxy.ipc.messages import SpanNote

METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])
"""Methods with a name of their own in spans; the others are _OTHER, as the conventions want it."""

_FINISHED = "finished"
_NANOSECONDS = 1_000_000_000


def request_of(notes: Sequence[SpanNote], service_name: str) -> bytes:
    """The body of one export."""
    resource = {"service.name": service_name, "service.version": __version__, "host.name": socket.gethostname()}
    spans = [span for note in notes for span in _spans(note)]
    scope = InstrumentationScope(name="bluegreen", version=__version__)
    whole = ResourceSpans(
        resource=Resource(attributes=_attributes(resource)), scope_spans=[ScopeSpans(scope=scope, spans=spans)]
    )
    return ExportTraceServiceRequest(resource_spans=[whole]).SerializeToString()


def rejected_in(body: bytes) -> int:
    """How many spans an answer says were not taken. Raises ``ValueError`` if it is not the answer of a collector."""
    try:
        return max(0, ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans)
    except DecodeError as error:
        raise ValueError("the answer is not that of a collector") from error


def spans_in(notes: Sequence[SpanNote]) -> int:
    """How many spans are made of these notes."""
    return sum(1 + bool(note.upstream_span_id) for note in notes)


def _spans(note: SpanNote) -> Iterator[Span]:
    yield Span(
        trace_id=bytes.fromhex(note.trace_id),
        span_id=bytes.fromhex(note.span_id),
        parent_span_id=bytes.fromhex(note.parent_id),
        name=_name(note),
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=_nanoseconds(note.began),
        end_time_unix_nano=_nanoseconds(note.ended),
        attributes=_attributes(_of_server(note)),
        status=_status(note, errors_from=500),
    )
    if note.upstream_span_id:
        yield Span(
            trace_id=bytes.fromhex(note.trace_id),
            span_id=bytes.fromhex(note.upstream_span_id),
            parent_span_id=bytes.fromhex(note.span_id),
            name=_name(note),
            kind=Span.SPAN_KIND_CLIENT,
            start_time_unix_nano=_nanoseconds(note.asked),
            end_time_unix_nano=_nanoseconds(note.ended),
            attributes=_attributes(_of_client(note)),
            status=_status(note, errors_from=400),
        )


def _name(note: SpanNote) -> str:
    """The method alone: a path has no bound on how many there are."""
    return note.method if note.method in METHODS else "HTTP"


def _of_server(note: SpanNote) -> dict[str, str | int]:
    host, port = _host_and_port(note.authority)
    return {
        **_of_both(note),
        "url.path": note.path,
        "url.scheme": note.scheme,
        "server.address": host,
        "server.port": port,
        "client.address": note.client,
        "network.peer.address": note.peer,
        "network.protocol.version": f"{note.version // 10}.{note.version % 10}",
    }


def _of_client(note: SpanNote) -> dict[str, str | int]:
    host, port = _host_and_port(note.upstream)
    return {
        **_of_both(note),
        "url.full": f"http://{note.upstream}{note.path}",
        "server.address": host,
        "server.port": port,
        "http.request.resend_count": note.attempts - 1 if note.attempts > 1 else 0,
    }


def _of_both(note: SpanNote) -> dict[str, str | int]:
    known = note.method in METHODS
    return {
        "http.request.method": note.method if known else "_OTHER",
        "http.request.method_original": "" if known else note.method,
        "http.response.status_code": note.status,
        "error.type": _error(note),
        "bluegreen.service": note.service,
        "bluegreen.color": note.color,
        "bluegreen.upstream": note.upstream,
        "bluegreen.generation": note.generation,
        "bluegreen.operation": note.operation,
        "bluegreen.attempts": note.attempts,
        "bluegreen.outcome": note.outcome,
    }


def _error(note: SpanNote) -> str:
    if note.status >= 500:
        return note.outcome if note.outcome != _FINISHED else str(note.status)
    return ""


def _status(note: SpanNote, *, errors_from: int) -> Status:
    return Status(code=Status.STATUS_CODE_ERROR) if note.status >= errors_from else Status()


def _attributes(values: Mapping[str, str | int]) -> list[KeyValue]:
    """Those that say something."""
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items() if value not in ("", 0)]


def _value(value: str | int) -> AnyValue:
    return AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)


def _host_and_port(authority: str) -> tuple[str, int]:
    """Without brackets; 0 for no port."""
    host, colon, port = authority.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()):
        return authority.strip("[]"), 0
    return host.strip("[]"), int(port[:5])


def _nanoseconds(seconds: float) -> int:
    whole = int(seconds)  # apart, for the product has more digits than a float
    return whole * _NANOSECONDS + round((seconds - whole) * _NANOSECONDS)
