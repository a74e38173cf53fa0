"""What clients say of themselves, for the access log: their User-Agent and their Referer."""

from __future__ import annotations

from typing import Final

from proxy.http1.cookies import FieldFinder
from proxy.http1.heads import RequestHead
from proxy.http1.recent import Recent

Words = tuple[bytes, bytes]
"""User agent and referer, as they were sent; empty where they were not."""

NOTHING: Final[Words] = (b"", b"")


class ClientWords:
    """Finds both in a head. Clients repeat themselves, so what was found lately is remembered."""

    __slots__ = ("_agent", "_recent", "_referer")

    def __init__(self) -> None:
        self._agent = FieldFinder("user-agent")
        self._referer = FieldFinder("referer")
        self._recent: Recent[Words] = Recent()

    def find(self, head: RequestHead) -> Words:
        """What the head says."""
        fields = head.passed
        known = self._recent.find(fields)
        if known is None:
            known = self._agent.find(head.raw), self._referer.find(head.raw)
            if fields:  # an unusual head has none
                self._recent.keep(fields, known)
        return known
