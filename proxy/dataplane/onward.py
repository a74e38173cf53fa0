"""The way of a request that nothing holds up: to a place on an upstream."""

from __future__ import annotations

from proxy.dataplane.admission import admit
from proxy.dataplane.door import Door
from proxy.dataplane.exchange import GONE, Exchange
from proxy.dataplane.reporting import Record
from proxy.dataplane.responses import refuse
from proxy.dataplane.roles import Client
from proxy.dataplane.routing import LiveService
from proxy.dataplane.upload import Upload
from proxy.http1.request import forward_request

__all__ = ["GONE", "send_on"]


def send_on(door: Door, client: Client, record: Record, service: LiveService, upload: Upload, rest: bytes) -> None:
    """Admit a request and send it on its way; ``rest`` is what came after its head and the upload has not had yet."""
    if service.audience is not None:
        record.choice = service.audience.choose(record.head, record.peer)
    lease = admit(service, door.routing.generation, record.choice)
    if lease is None:
        wished = record.choice is not None and record.choice.preview
        reason = "no_preview_upstream" if wished else "no_upstream"
        refuse(door, client, record, 503, reason, "no server is there to answer this", uploaded=upload.done)
        return
    record.lease = lease
    if record.sampled is not None:
        record.sampled.asked = door.loop.time()
    outgoing = forward_request(record.head, client.forwarding, record.request_id, record.peer, record.traceparent)
    client.occupant = exchange = Exchange(door, client, record, lease, upload, outgoing)
    exchange.start(rest)
