"""The answers that the front door gives by itself: short, plain, with the request id that its log has."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from proxy.dataplane.door import Door
from proxy.dataplane.reporting import Record
from proxy.dataplane.roles import Client
from proxy.http1.heads import RequestHead

RETRY_AFTER: Final = b"Retry-After: 1\r\n"


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
    phrase = _phrase(status)
    text = b"%d %s\n%s\nrequest id: %s\n" % (status, phrase, detail.encode("ascii", "replace"), request_id)
    return b"".join(
        (
            b"HTTP/1.1 %d %s\r\nDate: %s\r\n" % (status, phrase, date),
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n" % len(text),
            RETRY_AFTER if status == HTTPStatus.SERVICE_UNAVAILABLE else b"",
            b"X-Request-Id: %s\r\n" % request_id,
            fields,
            b"" if keep_alive else b"Connection: close\r\n",
            b"\r\n",
            b"" if head_only else text,
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


def answer_ourselves(
    door: Door, client: Client, record: Record, detail: str, *, keep_alive: bool, fields: bytes = b""
) -> None:
    """Answer a request with the status that its record has, and let its client's connection go on or end."""
    head = record.head
    keep_alive = keep_alive and head.version > 10
    answer = own_answer(
        record.status,
        record.request_id,
        detail,
        date=door.date.now(),
        keep_alive=keep_alive,
        head_only=head.method == b"HEAD",
        fields=fields,
    )
    client.stream.write(answer)
    client.exchange_over(keep_alive=keep_alive, lingering=True)
