"""``/metrics`` as text, in the format that a scraper asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from proxy.control.metrics.collector import all_metrics
from proxy.control.metrics.presence import Presence
from proxy.control.metrics.sources import Snapshot, Sources

OPENMETRICS = "application/openmetrics-text"


class Metrics:
    """Renders the metrics: a look at everything at once, and the text of it in a thread, one scrape after the other.

    With thousands of upstreams the text takes longer than health checks and operators should have to wait.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._presence = Presence()
        self._turn = asyncio.Lock()

    async def render(self, accept: str | None) -> tuple[bytes, str]:
        """The text and its content type, in the format that an ``Accept`` field asks for."""
        async with self._turn:
            return await asyncio.to_thread(text_of, self._sources.look(), self._presence, accept or "")


class _One(Collector):
    """What the encoders take: something that has been collected already."""

    def __init__(self, snapshot: Snapshot, presence: Presence) -> None:
        self._snapshot = snapshot
        self._presence = presence

    def collect(self) -> Iterator[Metric]:
        return all_metrics(self._snapshot, self._presence)


def text_of(snapshot: Snapshot, presence: Presence, accept: str) -> tuple[bytes, str]:
    """What a scraper is sent, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_One(snapshot, presence))
    if wants_openmetrics(accept):
        text: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call] # the library's
        return text, openmetrics.CONTENT_TYPE_LATEST
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


def wants_openmetrics(accept: str) -> bool:
    """Whether OpenMetrics 1.0 is among what is accepted. Who can read it is given it, for it alone has exemplars."""
    for each in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in each.split(";"))
        given = dict(part.partition("=")[::2] for part in parameters)
        if kind == OPENMETRICS and given.get("version", "1.0.0") == "1.0.0" and given.get("q") not in ("0", "0.0"):
            return True
    return False
