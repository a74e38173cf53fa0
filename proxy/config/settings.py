"""The config as the program uses it: frozen, checked, every path absolute, every time in seconds."""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """One address of the front door, and whether every connection to it begins with a PROXY header."""

    address: Address
    proxy_protocol: bool = False


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
