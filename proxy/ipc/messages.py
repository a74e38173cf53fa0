"""The messages between supervisor and worker. Each side handles one union with ``match``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from proxy.traffic.spec import Color


@dataclass(frozen=True, slots=True)
class Wake:
    """Look at the board, so that an idle worker too sees a new generation at once."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Take nothing new and finish what is in flight within ``grace`` seconds."""

    grace: float


@dataclass(frozen=True, slots=True)
class ReopenLogs:
    """Close the log files and open them anew under the same names."""


@dataclass(frozen=True, slots=True)
class Cut:
    """End what still runs on a color, or on one upstream of it, and was begun before ``generation``."""

    service: str
    color: Color
    generation: int
    tunnels: bool
    """Whether to end tunnels and event streams; if not, requests."""
    address: str | None = None
    """The upstream; ``None`` means all of the color."""
    spread: float = 0.0
    """Seconds over which the ends are to be spread, so that not all clients come back at once."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has a routing table and accepts connections."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The worker routes by this generation, or a later one."""

    generation: int


@dataclass(frozen=True, slots=True)
class Suspect:
    """An upstream failed several times in a row, the last time for ``reason``."""

    service: str
    color: Color
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The worker is about to exit and leaves ``unfinished`` requests and tunnels behind."""

    unfinished: int


class SpanNote(NamedTuple):
    """What spans are made of: one request that is over. Times are Unix seconds, ids hexadecimal digits."""

    trace_id: str
    span_id: str
    parent_id: str
    """Of the span that the client said; empty for none."""
    upstream_span_id: str
    """Of the span that the upstream knows as its parent; empty if none was asked."""
    began: float
    asked: float
    """When it was given to an upstream; 0 for never."""
    ended: float
    method: str
    scheme: str
    authority: str
    path: str
    version: int
    """10 or 11."""
    client: str
    peer: str
    """The address at the other end of the connection, which may be a proxy's."""
    status: int
    attempts: int
    outcome: str
    """The word that the access log has for it."""
    service: str = ""
    color: str = ""
    upstream: str = ""
    generation: int = 0
    operation: str = ""
    """That moved the service's traffic when it was admitted."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Requests that the worker has noted for the trace export."""

    notes: tuple[SpanNote, ...]


Down = Wake | Stop | ReopenLogs | Cut
"""From the supervisor to a worker."""

Up = Ready | Seen | Suspect | Spans | Stopped
"""From a worker to the supervisor."""

Message = Down | Up
