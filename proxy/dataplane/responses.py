"""The answers that the front door gives by itself: short, plain, with the request id that its log has."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from proxy.dataplane.disclosure import disclosed as lines_for
from proxy.dataplane.door import Door
from proxy.dataplane.log_lines import ABSENT
from proxy.dataplane.reporting import Record, report
from proxy.dataplane.roles import Client
from proxy.http1.heads import RequestHead

RETRY_AFTER: Final = b"Retry-After: 1\r\n"

_PLAIN: Final = b"text/plain; charset=utf-8"


def own_answer(
    status: int,
    request_id: bytes,
    detail: str,
    *,
    date: bytes,
    keep_alive: bool,
    head_only: bool,
    fields: bytes = b"",
) -> bytes:
    """A complete answer.

    Args:
        status: 4xx or 5xx.
        detail: one sentence for the person who reads it; made by us and never from the request.
        date: the value of its field Date.
        keep_alive: whether the connection stays open after it.
        head_only: whether it answers a HEAD request.
        fields: whole lines that go with this status, such as Allow with 405.
    """
    text = b"%d %s\n%s\nrequest id: %s\n" % (
        status,
        _phrase(status),
        detail.encode("ascii", "replace"),
        request_id,
    )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        fields = RETRY_AFTER + fields
    return whole_answer(
        status, request_id, text, _PLAIN, date=date, keep_alive=keep_alive, head_only=head_only, fields=fields
    )


def whole_answer(
    status: int,
    request_id: bytes,
    body: bytes,
    media_type: bytes,
    *,
    date: bytes,
    keep_alive: bool,
    head_only: bool,
    fields: bytes,
) -> bytes:
    """A complete answer with any body; what the arguments mean is told at :func:`own_answer`."""
    return b"".join(
        (
            b"HTTP/1.1 %d %s\r\nDate: %s\r\n" % (status, _phrase(status), date),
            b"Content-Type: %s\r\nContent-Length: %d\r\n" % (media_type, len(body)),
            b"X-Request-Id: %s\r\n" % request_id,
            fields,
            b"" if keep_alive else b"Connection: close\r\n",
            b"\r\n",
            b"" if head_only else body,
        )
    )


def _phrase(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b"Error"


def may_keep_client(door: Door, client: Client, head: RequestHead, *, uploaded: bool) -> bool:
    """Whether the client's connection stays open after this answer; ``uploaded`` is whether its request was read whole.

    A worker that stops says so with its last answer: not before those requests that the client has sent ahead.
    """
    if not head.keep_alive or not uploaded or head.upgrade:  # what it sent ahead of an upgrade may be no HTTP
        return False
    return not door.stopping or client.has_next


class OwnAnswer:
    """An answer that was made for a request, and waits to be sent until the request is reported."""

    __slots__ = ("_data", "_keep_alive")

    def __init__(self, data: bytes, *, keep_alive: bool) -> None:
        self._data = data
        self._keep_alive = keep_alive

    def send(self, client: Client) -> None:
        """Send it, and let the client's connection go on or end."""
        client.stream.write(self._data)
        client.exchange_over(keep_alive=self._keep_alive, lingering=True)


def disclosed(door: Door, record: Record, first_byte: float = ABSENT) -> bytes:
    """The lines that tell how an answer was made; ``b""`` where the config wants none."""
    headers = door.routing.headers
    return b"" if headers is None else lines_for(headers, record.lease, record.held, record.connect, first_byte)


def plain_answer(door: Door, record: Record, detail: str, *, keep_alive: bool, fields: bytes = b"") -> OwnAnswer:
    """The answer to a request, with the status that its record has."""
    keep_alive = keep_alive and record.head.version > 10
    answer = own_answer(
        record.status,
        record.request_id,
        detail,
        date=door.date.now(),
        keep_alive=keep_alive,
        head_only=record.head.method == b"HEAD",
        fields=fields + disclosed(door, record),
    )
    record.sent += len(answer)
    return OwnAnswer(answer, keep_alive=keep_alive)


def refuse(
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
    keep_alive = may_keep_client(door, client, record.head, uploaded=uploaded)
    _refuse(door, client, record, plain_answer(door, record, detail, keep_alive=keep_alive, fields=fields))


def refuse_with(
    door: Door,
    client: Client,
    record: Record,
    status: int,
    reason: str,
    body: bytes,
    media_type: bytes,
    *,
    uploaded: bool,
    fields: bytes,
) -> None:
    """Like :func:`refuse`, with a body of any kind."""
    record.status = status
    record.reason = reason
    head = record.head
    keep_alive = may_keep_client(door, client, head, uploaded=uploaded) and head.version > 10
    answer = whole_answer(
        status,
        record.request_id,
        body,
        media_type,
        date=door.date.now(),
        keep_alive=keep_alive,
        head_only=head.method == b"HEAD",
        fields=fields + disclosed(door, record),
    )
    record.sent += len(answer)
    _refuse(door, client, record, OwnAnswer(answer, keep_alive=keep_alive))


def _refuse(door: Door, client: Client, record: Record, answer: OwnAnswer) -> None:
    door.meters.rejected(record.reason)
    report(door, record, None)
    answer.send(client)
