"""What becomes of a request once its head is complete: it gets a place on an upstream, or is told why it gets none."""

from __future__ import annotations

from proxy.dataplane.door import Door
from proxy.dataplane.onward import send_on
from proxy.dataplane.parking import pass_gate
from proxy.dataplane.reporting import Record
from proxy.dataplane.responses import refuse
from proxy.dataplane.roles import Client
from proxy.dataplane.tracing import Sampled, next_hop
from proxy.dataplane.upload import NO_BODY, Upload
from proxy.http1.errors import ALLOW, RequestError
from proxy.http1.heads import RequestHead
from proxy.http1.request import client_address, client_request_id, client_scheme


def receive(door: Door, client: Client, head: RequestHead, rest: bytes) -> None:
    """Find out what a request is for, and send it on its way; ``rest`` is what came after its head.

    When this returns, either something has the client's connection, or the request was answered already.
    """
    routing = door.routing
    forwarding, peer, request_id = client.forwarding, client.peer, b""
    if forwarding.trusted:
        peer = client_address(head, door.trusts) or peer
        request_id = client_request_id(head)
    request_id = request_id or door.new_request_id()
    record = Record(head, peer, request_id, began=door.loop.time())
    if head.traceparent or door.tracer.on:
        _trace(door, client, record)
    try:
        upload = Upload(head.length, routing.door.limits.max_body) if head.length else NO_BODY
    except RequestError as error:
        refuse(door, client, record, error.status, error.reason, str(error), uploaded=False)
        return
    if rest and upload.done:
        client.keep_for_later(rest)
        rest = b""
    if head.last_hop:
        detail = "this was asked of the front door itself"
        refuse(door, client, record, 200, "max_forwards", detail, uploaded=upload.done, fields=ALLOW)
        return
    service = routing.router.match(head.host, head.path)
    if service is None:
        detail = "no service is configured for this host and path"
        refuse(door, client, record, 404, "no_service", detail, uploaded=upload.done)
        return
    if not service.gated or pass_gate(door, client, record, service, upload, rest):
        send_on(door, client, record, service, upload, rest)


def _trace(door: Door, client: Client, record: Record) -> None:
    """Give a request its place in the trace that it came with, or in one of its own."""
    head, forwarding = record.head, client.forwarding
    if not door.tracer.on:
        record.traceparent = next_hop(head.traceparent)
    else:
        record.traceparent, sampled = door.tracer.begin(head.traceparent, forwarding.trusted)
        if sampled:
            record.sampled = Sampled(client.peer, client_scheme(head, forwarding))
    record.trace_id = record.traceparent[3:35]
