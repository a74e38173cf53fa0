"""Who gets which color where the split alone does not say it: users who stay, testers who look ahead."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class StickyBy(enum.StrEnum):
    """What tells one user from another."""

    COOKIE = "cookie"
    HEADER = "header"
    CLIENT_IP = "client_ip"


@dataclass(frozen=True, slots=True)
class CookieAttributes:
    """How a browser is to keep a cookie of ours (RFC 6265, section 4.1.2)."""

    path: str = "/"
    domain: str | None = None
    max_age: float | None = None
    """Seconds; ``None``: until the browser is closed."""
    secure: bool = False
    http_only: bool = True
    same_site: str | None = "Lax"


@dataclass(frozen=True, slots=True)
class StickyRule:
    """How users are told apart, so that each of them stays on one color while the split stands, or grows their way."""

    by: StickyBy
    name: str = ""
    """Of the cookie or header."""
    attributes: CookieAttributes = field(default_factory=CookieAttributes)
    """Of a cookie that the front door sets because the application has set none."""


@dataclass(frozen=True, slots=True)
class PreviewRule:
    """How testers ask for a color, whatever the split says. Without ``token`` everybody may."""

    header: str | None = "X-Bluegreen-Color"
    cookie: str | None = "bluegreen_color"
    blue_host: str | None = None
    """Host name at which blue is seen."""
    green_host: str | None = None
    token: str | None = field(default=None, repr=False)
    """With it, the value of header or cookie is ``COLOR:TOKEN``; a host name needs one of them beside it."""


@dataclass(frozen=True, slots=True)
class HoldRule:
    """New requests wait instead of being served, within bounds; beyond them they are answered with 503."""

    max_wait: float = 10.0
    """Seconds that one request waits at most."""
    max_requests: int = 1000
    """How many may wait at the same time, all workers together."""
    max_bytes: int = 16 * 1024 * 1024
    """Bytes of heads and begun bodies that may wait at the same time, all workers together."""
    unsafe_only: bool = False
    """Whether safe methods (RFC 9110 9.2.1) are served as ever."""
    exclusive: bool = False
    """Whether it lasts only until an exclusive switch moves the traffic: if nobody is left to do that, it is over."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Users whose session began before ``since`` stay on the old color, whatever their bucket says."""

    since: float
    """Unix seconds."""
    green: bool
    """Whether the color they stay on is green."""
