"""What a client has sent and nobody has taken yet, and the request heads in it."""

from __future__ import annotations

from typing import Final

from proxy.http1.heads import RequestFields, RequestHead
from proxy.http1.recent import Recent
from proxy.http1.request import check_partial_head, head_end, read_request, skip_blank_lines
from proxy.traffic.spec import Limits

MAX_AHEAD: Final = 16 * 1024
"""Bytes that may wait behind a request under way before the client is not read from any more."""


class Inbox:
    """Bytes in the order in which they came. At most one head is read at a time, however many there are."""

    __slots__ = ("_seen", "data")

    def __init__(self) -> None:
        self.data = b""
        """What waits; only to be looked at."""
        self._seen = 0

    def add(self, data: bytes) -> None:
        """More has come."""
        self.data = self.data + data if self.data else data

    @property
    def full(self) -> bool:
        """Whether more waits than should."""
        return len(self.data) > MAX_AHEAD

    @property
    def has_head(self) -> bool:
        """Whether a whole head is there."""
        return head_end(self.data) >= 0

    def take(self) -> bytes:
        """All that waits; it is the taker's from now on."""
        data, self.data = self.data, b""
        self._seen = 0
        return data

    def next_request(self, limits: Limits, recent: Recent[RequestFields]) -> tuple[RequestHead, bytes] | None:
        """The first head with what came after it, taken out; ``None`` while it is not complete.

        ``recent`` are the fields that were read before, of whomever.

        Raises:
            RequestError: this is no request, or will never be one however it goes on.
        """
        data = self.data
        start = skip_blank_lines(data) if data.startswith(b"\r") else 0
        end = head_end(data, max(start, self._seen - 3))
        if end < 0 or end - start > limits.max_head:
            check_partial_head(data, limits, start, seen=self._seen)
            self._seen = len(data)
            return None
        head = read_request(data[start:end], max_headers=limits.max_headers, recent=recent)
        self.data = b""
        self._seen = 0
        return head, data[end:]
