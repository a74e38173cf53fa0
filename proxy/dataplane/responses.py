"""The answers that the front door gives by itself: short, plain, with the request id that its log has."""

from __future__ import annotations

from http import HTTPStatus

RETRY_AFTER = b"Retry-After: 1\r\n"


def own_answer(status: int, request_id: bytes, detail: str, *, keep_alive: bool, head_only: bool) -> bytes:
    """A complete answer.

    Args:
        status: 4xx or 5xx.
        detail: one sentence for the person who reads it; made by us and never from the request.
        keep_alive: whether the connection stays open after it.
        head_only: whether it answers a HEAD request.
    """
    phrase = _phrase(status)
    text = b"%d %s\n%s\nrequest id: %s\n" % (status, phrase, detail.encode("ascii", "replace"), request_id)
    return b"".join(
        (
            b"HTTP/1.1 %d %s\r\n" % (status, phrase),
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n" % len(text),
            RETRY_AFTER if status == HTTPStatus.SERVICE_UNAVAILABLE else b"",
            b"X-Request-Id: %s\r\n" % request_id,
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
