"""The messages between supervisor and worker. Each side handles one union with ``match``."""

from __future__ import annotations

from dataclasses import dataclass

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


Down = Wake | Stop | ReopenLogs | Cut
"""From the supervisor to a worker."""

Up = Ready | Seen | Suspect | Stopped
"""From a worker to the supervisor."""

Message = Down | Up
