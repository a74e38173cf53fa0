"""The shape of the config file: every key with its kind, its default and what it means in a user's words.

The descriptions end up in the JSON Schema, and so in the editor of whoever writes a config.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from proxy.config import fields
from proxy.config.fields import by_default
from proxy.config.matching import SERVICE_NAME_PATTERN
from proxy.config.notified import Notifications, PageAddress
from proxy.config.progressive import JudgeSection, PreviewSection, StickySection
from proxy.config.section import Section
from proxy.config.settings import Role
from proxy.config.tracing import TracingSection
from proxy.traffic.spec import AccessLogFormat, Balance, Color


class TokenSection(Section):
    """One token that may use the admin API."""

    name: fields.TokenName
    """Who holds it; this name is written into the history."""
    role: Annotated[Role, Field(strict=False)]
    """What the holder may do: viewer looks, operator moves traffic, admin does everything."""
    token_file: fields.FilePath
    """File that holds the token, relative to this config file."""


class ListenSection(Section):
    """One address of the front door; the address alone is short for one without the PROXY protocol."""

    address: fields.ListenAddress
    """host:port, [v6]:port or unix:PATH."""
    proxy_protocol: bool = False
    """Every connection must begin with a PROXY header (version 1 or 2), which says whose it is. For TCP balancers."""


Listen = Annotated[
    ListenSection,
    BeforeValidator(fields.whole_listener, json_schema_input_type=fields.ListenAddress | ListenSection),
]


class AdminSection(Section):
    """The admin API, its web page and the metrics."""

    listen: fields.ListenAddress = by_default("127.0.0.1:9000")
    """Where it listens: host:port or unix:PATH. Beyond this machine it needs tokens."""
    tokens: list[TokenSection] = Field(default_factory=list)
    """Who may use it. Without tokens, everyone on this machine."""
    url: PageAddress | None = None
    """Where people find its web page, such as https://bluegreen.example.com: notifications link there."""


class StateSection(Section):
    """What operators changed, kept over restarts."""

    path: fields.FilePath = by_default("bluegreen.db")
    """SQLite file, relative to this config file."""


class AccessLogSection(Section):
    """One line for each answered request."""

    format: Annotated[AccessLogFormat, Field(strict=False)] = by_default("json")
    """json, combined (as Apache and nginx write it) or off."""
    path: fields.FilePath = by_default("-")
    """File, relative to this config file; - is standard output."""


class ResponseHeadersSection(Section):
    """What every answer tells of how it was made."""

    server_timing: bool = False
    """Server-Timing: how long it waited, connected, and took to be answered, for the developer tools of browsers."""
    color: bool = False
    """X-Bluegreen: the color that answered, and the generation of the routing table."""


class LimitsSection(Section):
    """Beyond these, requests are refused and connections have to wait."""

    max_head: Annotated[fields.Size, Field(ge=1)] = by_default("64KiB")
    """Request line and header fields together, in bytes: 431."""
    max_headers: fields.Count = by_default(100)
    """Number of header fields: 431."""
    max_body: fields.Size | None = None
    """Request body, in bytes: 413. null is no limit."""
    max_connections: fields.Count | None = None
    """Client connections at the same time; more wait until others have left. null is no limit."""
    max_connections_per_address: fields.Count | None = None
    """Of these, from one IPv4 address or IPv6 /64 that is no trusted proxy: 503. null is no limit."""


class TimeoutsSection(Section):
    """How long the front door waits before it gives up."""

    head: fields.Duration = by_default("10s")
    """For a request head, from its first byte to its last."""
    idle: fields.Duration = by_default("75s")
    """For the next request on an open client connection."""
    connect: fields.Duration = by_default("2s")
    """For a connection to an upstream."""
    response: fields.Duration = by_default("60s")
    """For the head of the answer, from the end of the request."""
    stall: fields.Duration = by_default("60s")
    """For a body, either way, that makes no progress."""


class ShutdownSection(Section):
    """A graceful stop."""

    grace: fields.Duration = by_default("30s")
    """How long requests in flight may take to finish."""


class GatesSection(Section):
    """What is asked before a shift goes on."""

    secret_file: fields.FilePath | None = None
    """File with the secret that webhooks are signed with, relative to this config file; null leaves them unsigned."""


class HooksSection(Section):
    """What rolling deployments may run here."""

    commands: list[fields.FilePath] = Field(default_factory=list)
    """Programs, relative to this config file; others are not run. Whoever may roll can run them, as our own user."""


class UpstreamSection(Section):
    """One server of a pool; host:port alone is short for one of weight 1."""

    address: fields.UpstreamAddress
    """host:port or [v6]:port."""
    weight: fields.Weight = by_default(1)
    """Its share relative to the others of its pool, 0 to 256; 0 gets no requests at all."""


Upstream = Annotated[
    UpstreamSection,
    BeforeValidator(fields.whole_upstream, json_schema_input_type=fields.UpstreamAddress | UpstreamSection),
]


class PoolSection(Section):
    """The servers of one color."""

    upstreams: list[Upstream]
    """host:port, or {address, weight}. May be empty while the other color has some."""


class PoolsSection(Section):
    """Both colors."""

    blue: PoolSection
    """The servers of blue."""
    green: PoolSection
    """The servers of green."""


class HealthSection(Section):
    """How each upstream is probed: GET requests at regular intervals."""

    path: fields.ProbePath = by_default("/healthz")
    """What is asked for."""
    interval: fields.Duration = by_default("2s")
    """From one probe to the next."""
    timeout: fields.Duration = by_default("1s")
    """For one probe as a whole."""
    rise: fields.Count = by_default(2)
    """Good probes in a row that bring an upstream up."""
    fall: fields.Count = by_default(3)
    """Bad probes in a row that take it down."""
    expect: fields.Statuses = by_default("200-399")
    """Status codes that are good: 200-399, or 200,204, or a list."""
    host: fields.ProbeHost | None = None
    """Host field of the probe; null sends the address of the upstream."""


class OutlierSection(Section):
    """When real requests show that an upstream is bad, it is left out for a while."""

    consecutive_errors: fields.Count = by_default(5)
    """Errors in a row that take it out."""
    eject_for: fields.Duration = by_default("10s")
    """How long it stays out."""
    max_ejected: fields.Percent = by_default("50%")
    """Share of a pool that may be out at the same time."""


class RetrySection(Section):
    """Requests that may safely be sent again are tried on another upstream when one fails."""

    attempts: fields.Count = by_default(2)
    """Tries in all; 1 means no retries."""
    budget: fields.Percent = by_default("20%")
    """Share of the requests that may be retries."""


class DrainSection(Section):
    """How long the color that lost its traffic may take to finish what it began."""

    timeout: fields.Duration = by_default("30s")
    """For requests."""
    long_lived_timeout: fields.Duration = by_default("5m")
    """For WebSockets, other tunnels and event streams."""


class ServiceSection(Section):
    """One application behind the front door."""

    hosts: Annotated[list[fields.HostPattern], Field(min_length=1)] = by_default(["*"])
    """Hosts that it answers to: exact, *.suffix, or * for any. No port."""
    paths: Annotated[list[fields.PathPrefix], Field(min_length=1)] = by_default(["/"])
    """Path prefixes that it answers to; the longest match of all services wins."""
    initial: Annotated[Color, Field(strict=False)] = by_default("blue")
    """The color that serves at the very first start; afterwards the stored state decides."""
    pools: PoolsSection
    """The servers of the two colors."""
    balance: Annotated[Balance, Field(strict=False)] = by_default("round_robin")
    """How a server of the pool is picked: round_robin or least_requests. Both honour weights."""
    max_requests_per_upstream: fields.NotSupportedYet = None
    """Requests that one upstream may have at the same time. Not supported yet."""
    health: HealthSection | None = Field(default_factory=HealthSection)
    """Active checks; null turns them off, and every upstream is taken to be healthy."""
    outlier: OutlierSection | None = Field(default_factory=OutlierSection)
    """Passive checks by real requests; null turns them off."""
    retry: RetrySection = Field(default_factory=RetrySection)
    """Second tries."""
    drain: DrainSection = Field(default_factory=DrainSection)
    """The end of the old color."""
    sticky: StickySection | None = None
    """Keeping each user on one color while the traffic moves; null: every request goes by the split alone."""
    preview: PreviewSection | None = None
    """Looking at a color whatever the split says; null: nobody can."""
    judge: JudgeSection = Field(default_factory=JudgeSection)
    """When a new color counts as worse than the old one, so that a shift goes back."""
    keep_warm: fields.DurationOrZero = by_default("10m")
    """How long the new color is watched after a shift, with the way back open; 0s: not at all."""


class ConfigFile(Section):
    """Config of the blue/green front door."""

    listen: Annotated[list[Listen], Field(min_length=1)] = by_default(["0.0.0.0:8080"])
    """Addresses of the front door: host:port, [v6]:port or unix:PATH, or {address, proxy_protocol}."""
    workers: fields.Workers = by_default("auto")
    """Processes that serve; auto is one for each CPU that this process may use."""
    admin: AdminSection = Field(default_factory=AdminSection)
    """The admin API."""
    state: StateSection = Field(default_factory=StateSection)
    """The store."""
    access_log: AccessLogSection = Field(default_factory=AccessLogSection)
    """The access log."""
    response_headers: ResponseHeadersSection = Field(default_factory=ResponseHeadersSection)
    """Headers that are added to answers."""
    trusted_proxies: list[fields.Network] = Field(default_factory=list)
    """CIDRs of proxies in front of this one, whose X-Forwarded-* and X-Request-Id are believed."""
    limits: LimitsSection = Field(default_factory=LimitsSection)
    """Sizes and numbers."""
    timeouts: TimeoutsSection = Field(default_factory=TimeoutsSection)
    """Waiting times."""
    shutdown: ShutdownSection = Field(default_factory=ShutdownSection)
    """The stop of the program."""
    gates: GatesSection = Field(default_factory=GatesSection)
    """Webhooks."""
    hooks: HooksSection = Field(default_factory=HooksSection)
    """Programs that rolling deployments may run."""
    notifications: Notifications = Field(default_factory=list)
    """Who is told when operations begin, end and go back."""
    tracing: TracingSection = Field(default_factory=TracingSection)
    """Traces."""
    services: Annotated[
        dict[fields.ServiceName, ServiceSection],
        Field(min_length=1, json_schema_extra={"propertyNames": {"pattern": f"^{SERVICE_NAME_PATTERN}$"}}),
    ]
    """The applications by name. A config with one service may call it default."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the config file, for editors."""
    schema = ConfigFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "bluegreen config"}
