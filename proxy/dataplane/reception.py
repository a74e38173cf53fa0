"""What becomes of a request once its head is complete: it gets a place on an upstream, or is told why it gets none."""

from __future__ import annotations

from proxy.dataplane.admission import admit
from proxy.dataplane.door import Door
from proxy.dataplane.exchange import Exchange
from proxy.dataplane.reporting import Record, report
from proxy.dataplane.responses import answer_ourselves, may_keep_client
from proxy.dataplane.roles import Client
from proxy.dataplane.upload import NO_BODY, Upload
from proxy.http1.errors import ALLOW, RequestError
from proxy.http1.heads import RequestHead
from proxy.http1.request import client_address, client_request_id, forward_request


def receive(door: Door, client: Client, head: RequestHead, rest: bytes) -> None:
    """Admit a request and send it on its way; ``rest`` is what came after its head.

    When this returns, either an exchange has the client's connection, or the request was answered already.
    """
    routing = door.routing
    forwarding, peer, request_id = client.forwarding, client.peer, b""
    if forwarding.trusted:
        peer = client_address(head, door.trusts) or peer
        request_id = client_request_id(head)
    request_id = request_id or door.new_request_id()
    record = Record(head, peer, request_id, began=door.loop.time())
    try:
        upload = Upload(head.length, routing.door.limits.max_body) if head.length else NO_BODY
    except RequestError as error:
        _refuse(door, client, record, error.status, error.reason, str(error), uploaded=False)
        return
    if rest and upload.done:
        client.keep_for_later(rest)
        rest = b""
    if head.last_hop:
        detail = "this was asked of the front door itself"
        _refuse(door, client, record, 200, "max_forwards", detail, uploaded=upload.done, fields=ALLOW)
        return
    service = routing.router.match(head.host, head.path)
    if service is None:
        detail = "no service is configured for this host and path"
        _refuse(door, client, record, 404, "no_service", detail, uploaded=upload.done)
        return
    if service.audience is not None:
        record.choice = service.audience.choose(head, peer)
    lease = admit(service, routing.generation, record.choice)
    if lease is None:
        reason = "no_preview_upstream" if record.preview else "no_upstream"
        _refuse(door, client, record, 503, reason, "no server is there to answer this", uploaded=upload.done)
        return
    record.lease = lease
    outgoing = forward_request(head, forwarding, request_id, peer)
    client.occupant = exchange = Exchange(door, client, record, lease, upload, outgoing)
    exchange.start(rest)


def _refuse(
    door: Door,
    client: Client,
    record: Record,
    status: int,
    reason: str,
    detail: str,
    *,
    uploaded: bool,
    fields: bytes = b"",
) -> None:
    """Answer a request that was given to no color; ``uploaded`` is whether it was read to its end."""
    record.status = status
    record.reason = reason
    door.meters.rejected(reason)
    report(door, record, None)
    keep_alive = may_keep_client(door, client, record.head, uploaded=uploaded)
    answer_ourselves(door, client, record, detail, keep_alive=keep_alive, fields=fields)
