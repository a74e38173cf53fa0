"""What is told of a request when it is over: to the meters and to the access log."""

from __future__ import annotations

import time

from proxy.dataplane.access_log import AccessLog
from proxy.dataplane.admission import Lease
from proxy.dataplane.audience import Choice
from proxy.dataplane.door import Door
from proxy.dataplane.log_lines import ABSENT, NOWHERE
from proxy.dataplane.tracing import Sampled, as_text, new_id
from proxy.http1.heads import RequestHead
from proxy.ipc.messages import SpanNote
from proxy.shm.names import Outcome


class Record:
    """What is noted of a request while it is under way."""

    __slots__ = (
        "attempts",
        "began",
        "choice",
        "connect",
        "first_byte",
        "head",
        "held",
        "lease",
        "peer",
        "reason",
        "received",
        "request_id",
        "sampled",
        "sent",
        "status",
        "trace_id",
        "traceparent",
    )

    def __init__(self, head: RequestHead, peer: bytes, request_id: bytes, *, began: float) -> None:
        """``began`` is when the head was complete, in seconds of the loop's clock."""
        self.head = head
        self.peer = peer
        self.request_id = request_id
        self.began = began
        self.received = len(head.raw)
        self.sent = 0
        self.status = 0
        """What the client was told; 0 while it was told nothing."""
        self.attempts = 0
        self.held = ABSENT
        """Seconds that it was parked."""
        self.connect = 0.0
        """Seconds that the connection of the last attempt took to be made; 0 for one that was there already."""
        self.first_byte = ABSENT
        """Seconds from the request being sent to the head of its answer."""
        self.lease: Lease | None = None
        self.choice: Choice | None = None
        """What the service's audience has said, where it has one."""
        self.trace_id = b""
        """Of the trace that it is a part of, as 32 hexadecimal digits; empty where it is part of none."""
        self.reason = ""
        """Why it did not end with the upstream's whole answer."""
        self.traceparent = b""
        """Where it tells its upstream to stand in that trace."""
        self.sampled: Sampled | None = None
        """What more is kept of it where spans are exported of it."""


def report(door: Door, record: Record, outcome: Outcome | None) -> None:
    """Count and log a request that is over; ``outcome`` is ``None`` for one that was given to no color."""
    now = door.loop.time()
    seconds = now - record.began
    lease = record.lease
    if lease is not None:
        meters = lease.pool.meters
        bucket = meters.answered(record.status, record.head.method, seconds, record.received, record.sent)
        if now >= meters.exemplar_due[bucket]:
            ident = record.trace_id or record.request_id
            meters.note(bucket, seconds, ident, trace=len(record.trace_id) > 0, now=now)
        if lease.aside is not None:
            lease.aside.answered(record.status)
        if lease.cohort is not None:
            lease.cohort.answered(record.status)
    if door.log.on:
        door.log.write(_line(door.log, record, outcome, seconds))
    if record.sampled is not None:
        door.tracer.keep(_note(record, record.sampled, outcome, seconds))


def _line(log: AccessLog, record: Record, outcome: Outcome | None, seconds: float) -> bytes:
    head, lease, held = record.head, record.lease, record.held
    agent, referer = log.words.find(head)
    preview = record.choice is not None and record.choice.preview
    if lease is None:
        place, queue = (NOWHERE if not preview else (NOWHERE[0], True, 0, "")), ABSENT
    else:
        place, queue = (lease.upstream.place, preview, lease.generation, lease.operation), max(held, 0.0)
    return log.line(
        time.time(),
        (record.peer, head.method, head.host, head.target, agent, referer, record.request_id, record.trace_id),
        head.version,
        record.status,
        record.received,
        record.sent,
        (seconds, queue, record.connect if record.attempts else ABSENT, record.first_byte, held),
        place,
        record.attempts,
        record.reason or outcome or "rejected",
    )


def _note(record: Record, sampled: Sampled, outcome: Outcome | None, seconds: float) -> SpanNote:
    head, lease = record.head, record.lease
    now, told = time.time(), head.traceparent
    return SpanNote(
        trace_id=record.trace_id.decode(),
        span_id=new_id(8).decode(),
        parent_id=told[36:52].decode(),
        upstream_span_id=record.traceparent[36:52].decode() if sampled.asked else "",
        began=now - seconds,
        asked=now - seconds + max(0.0, sampled.asked - record.began) if sampled.asked else 0.0,
        ended=now,
        method=as_text(head.method),
        scheme=as_text(sampled.scheme),
        authority=as_text(head.authority),
        path=as_text(head.path),
        version=head.version,
        client=as_text(record.peer),
        peer=as_text(sampled.peer),
        status=record.status,
        attempts=record.attempts,
        outcome=record.reason or outcome or "rejected",
        service=lease.service.name if lease is not None else "",
        color=lease.pool.color.value if lease is not None else "",
        upstream=lease.upstream.address if lease is not None else "",
        generation=lease.generation if lease is not None else 0,
        operation=lease.operation if lease is not None else "",
    )
