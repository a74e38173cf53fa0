"""What the operator's config file says about the traffic, once it has been read and checked.

Times are seconds, sizes are bytes, shares are fractions of one. Everything is frozen: a reload makes new values.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from proxy.traffic.audience import PreviewRule, StickyRule
from proxy.traffic.judgement import JudgeRule


class Color(enum.StrEnum):
    """One of the two environments of a service."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Color:
        """The color that this one is not."""
        return Color.GREEN if self is Color.BLUE else Color.BLUE


class AdminState(enum.StrEnum):
    """What the operator wants of one upstream: serve, take no new requests, or be left alone altogether."""

    READY = "ready"
    DRAIN = "drain"
    MAINT = "maint"


class Balance(enum.StrEnum):
    """How a pool picks its next upstream. Both ways honour the weights."""

    ROUND_ROBIN = "round_robin"
    LEAST_REQUESTS = "least_requests"


class AccessLogFormat(enum.StrEnum):
    """How one answered request is written down."""

    JSON = "json"
    COMBINED = "combined"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that the front door waits for each thing before it gives up."""

    head: float = 10.0
    """From the first byte of a request head to its last."""
    idle: float = 75.0
    """A client connection between two requests."""
    connect: float = 2.0
    """An upstream connection being made."""
    response: float = 60.0
    """From the end of the request to the head of the answer."""
    stall: float = 60.0
    """A body, either way, that makes no progress."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes beyond which a request is refused. ``None`` is no limit."""

    max_head: int = 64 * 1024
    max_headers: int = 100
    max_body: int | None = None
    max_connections: int | None = None
    """Client connections at the same time, all workers together."""
    max_connections_per_address: int | None = None


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Where answered requests are written: a path, or ``-`` for standard output."""

    format: AccessLogFormat = AccessLogFormat.JSON
    path: str = "-"


@dataclass(frozen=True, slots=True)
class ResponseHeaders:
    """What clients are told of how they were served."""

    server_timing: bool = False
    """Where the time went, as Server-Timing."""
    color: bool = False
    """The color that answered, and the generation of the table that chose it."""


@dataclass(frozen=True, slots=True)
class DoorSpec:
    """What holds for the front door as a whole, whatever the service."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    access_log: AccessLog = field(default_factory=AccessLog)
    trusted_proxies: tuple[str, ...] = ()
    """CIDRs whose X-Forwarded-* and X-Request-Id are believed."""
    trace_share: float | None = None
    """Share of the requests that are exported as spans; ``None``: nothing is exported, and no trace begins here."""
    response_headers: ResponseHeaders = field(default_factory=ResponseHeaders)


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How upstreams are probed: GET ``path`` every ``interval``; ``rise`` good ones in a row bring one up."""

    path: str = "/healthz"
    interval: float = 2.0
    timeout: float = 1.0
    rise: int = 2
    fall: int = 3
    expect: tuple[tuple[int, int], ...] = ((200, 399),)
    """Inclusive ranges of status codes that count as good."""
    host: str | None = None
    """Host field of the probe; ``None`` sends the upstream's address."""


@dataclass(frozen=True, slots=True)
class OutlierRule:
    """When real requests show an upstream to be bad: so many errors in a row take it out for ``eject_for`` seconds."""

    consecutive_errors: int = 5
    eject_for: float = 10.0
    max_ejected: float = 0.5
    """Share of a pool's upstreams that may be out at the same time, 0 to 1."""


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How often a request is tried in all, and what share of the requests may be retries."""

    attempts: int = 2
    budget: float = 0.2


@dataclass(frozen=True, slots=True)
class DrainRule:
    """How long the color that lost its traffic may take to finish: requests, then tunnels and event streams."""

    timeout: float = 30.0
    long_lived_timeout: float = 300.0

    @property
    def spread(self) -> float:
        """Seconds over which tunnels and event streams are then ended, lest all their clients come back at once."""
        return min(30.0, self.long_lived_timeout / 10)

    @property
    def longest(self) -> float:
        """Seconds after which all that is left has been told to end."""
        return max(self.timeout, self.long_lived_timeout + self.spread)


@dataclass(frozen=True, slots=True)
class UpstreamSpec:
    """One server of a pool as the operator wrote it: ``host:port`` or ``[v6]:port``, and a weight from 0 to 256."""

    address: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One application behind the front door."""

    name: str
    blue: tuple[UpstreamSpec, ...]
    green: tuple[UpstreamSpec, ...]
    hosts: tuple[str, ...] = ("*",)
    """Exact names, ``*.suffix``, or ``*``; lower case, no port."""
    paths: tuple[str, ...] = ("/",)
    """Prefixes at segment borders; the longest match wins."""
    initial: Color = Color.BLUE
    """The color that serves while nothing is stored for this service."""
    balance: Balance = Balance.ROUND_ROBIN
    health: HealthCheck | None = field(default_factory=HealthCheck)
    """``None`` turns active checks off: upstreams are then taken to be healthy."""
    outlier: OutlierRule | None = field(default_factory=OutlierRule)
    retry: RetryRule = field(default_factory=RetryRule)
    drain: DrainRule = field(default_factory=DrainRule)
    sticky: StickyRule | None = None
    preview: PreviewRule | None = None
    judge: JudgeRule = field(default_factory=JudgeRule)
    keep_warm: float = 600.0
    """Seconds for which the judge looks on after a shift is through; 0: not at all."""

    def pool(self, color: Color) -> tuple[UpstreamSpec, ...]:
        """The upstreams that the config file gives this color."""
        return self.blue if color is Color.BLUE else self.green
