"""The config as the program uses it: frozen, checked, every path absolute, every time in seconds."""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from proxy.config.addresses import Address
from proxy.traffic.spec import DoorSpec, ServiceSpec


@functools.total_ordering
class Role(enum.Enum):
    """What the bearer of a token may do. A greater role includes the smaller ones."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Role):
            return NotImplemented
        ranks = list(Role)
        return ranks.index(self) < ranks.index(other)


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """One bearer token of the admin API: who holds it, what they may do, and the file that holds the secret."""

    name: str
    role: Role
    file: Path


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """Where the admin API listens and who may use it. Without tokens it is reachable from this machine alone."""

    listen: Address
    tokens: tuple[TokenSettings, ...] = ()
    url: str | None = None
    """Where people find its web page, without a slash at the end; ``None``: nobody said."""


class NotificationFormat(enum.StrEnum):
    """What a notification looks like."""

    JSON = "json"
    SLACK = "slack"


class NotificationEvent(enum.StrEnum):
    """What may be told of an operation."""

    START = "start"
    END = "end"
    """However it ended."""
    ROLLBACK = "rollback"
    """The traffic goes back, or a rolling deployment does."""


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """Somebody who is told about operations."""

    url: str = field(repr=False)
    """Whoever knows it may be able to post there: it is shown to nobody."""
    format: NotificationFormat
    on: frozenset[NotificationEvent]
    services: tuple[str, ...]
    """Names, or ``*`` for all."""

    @property
    def name(self) -> str:
        """What logs call it: nothing of the URL but its host, as the path may be what must not be known."""
        return f"{self.format.value} at {urlsplit(self.url).hostname}"


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """One address of the front door, and whether every connection to it begins with a PROXY header."""

    address: Address
    proxy_protocol: bool = False


@dataclass(frozen=True, slots=True)
class OtlpSettings:
    """Where spans are exported to."""

    url: str
    service_name: str
    headers_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the config file says."""

    listen: tuple[ListenSettings, ...]
    workers: int | None
    """How many processes serve; ``None`` is as many as there are CPUs that this process may use."""
    admin: AdminSettings
    state_path: Path
    door: DoorSpec
    shutdown_grace: float
    """Seconds that a graceful stop may take."""
    services: tuple[ServiceSpec, ...]
    gate_secret_file: Path | None = None
    """Holds what webhooks are signed with; ``None``: they are not."""
    hook_commands: tuple[str, ...] = ()
    """The programs that rolling deployments may run: absolute paths without ``.`` and ``..`` in them."""
    notifications: tuple[NotificationSettings, ...] = ()
    """Who is told about operations."""
    otlp: OtlpSettings | None = None
    """``None``: no spans are exported."""
