"""What else has to agree before a shift or a rollout goes on. Asking is done elsewhere; here is what and when."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final
from urllib.parse import urlsplit

LONGEST_URL: Final = 2000
"""Characters."""

_LONGEST_NAME: Final = 80
"""Characters of a query or a URL in the name of a gate."""

_NUMERIC: Final = frozenset("0123456789.")
_NO_HOST: Final = "must name a host that can exist"

_NEVER_IN_URLS: Final = frozenset(' \\"<>^`{|}')
"""Printable characters that RFC 3986 leaves to nobody: each library makes something else of them."""


class Moment(enum.StrEnum):
    """When a gate is asked."""

    BEFORE_START = "before_start"
    BEFORE_INCREASE = "before_increase"
    """Before each step or batch, the first one too."""
    BEFORE_PROMOTION = "before_promotion"
    """Before the last step or batch."""
    AFTER = "after"
    """Told when all is over; its answer changes nothing."""
    ON_ROLLBACK = "on_rollback"
    """Told when the traffic goes back, or a rollout ends early; its answer changes nothing."""

    @property
    def decides(self) -> bool:
        """Whether the answer decides how it goes on."""
        return self not in (Moment.AFTER, Moment.ON_ROLLBACK)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST that has to be answered with 2xx."""

    url: str
    at: tuple[Moment, ...]
    timeout: float = 10.0
    """Seconds for one try."""
    retries: int = 2
    """So many more tries after one without an answer, or with 408, 425, 429 or 5xx."""

    @property
    def name(self) -> str:
        """What people and the journal call it."""
        return f"webhook {_shortened(shown_url(self.url))}"


@dataclass(frozen=True, slots=True)
class PromQuery:
    """A query of Prometheus whose values all have to lie within bounds; no value at all is no."""

    url: str
    """Of the server, such as ``http://prometheus:9090``."""
    query: str
    at: tuple[Moment, ...]
    min: float | None = None
    max: float | None = None
    timeout: float = 10.0
    retries: int = 2

    @property
    def name(self) -> str:
        """What people and the journal call it."""
        return f"query {_shortened(' '.join(self.query.split()))}"


@dataclass(frozen=True, slots=True)
class Gates:
    """All gates of an operation."""

    webhooks: tuple[Webhook, ...] = ()
    queries: tuple[PromQuery, ...] = ()
    approvals: tuple[Moment, ...] = ()
    """Moments at which it waits until somebody promotes or resumes it."""

    def asked_at(self, moment: Moment) -> tuple[Webhook | PromQuery, ...]:
        """The gates that are asked at a moment; approvals are not among them."""
        gates: tuple[Webhook | PromQuery, ...] = (*self.webhooks, *self.queries)
        return tuple(gate for gate in gates if moment in gate.at)


def gate_url_complaint(url: str) -> str | None:
    """Why a gate cannot be asked at this URL, or ``None`` if it can. It may hold a password and is not quoted."""
    if len(url) > LONGEST_URL:
        return f"must not be longer than {LONGEST_URL} characters"
    if not url.isascii() or not url.isprintable() or not _NEVER_IN_URLS.isdisjoint(url):
        return "must have none but the characters of a URL: others, such as spaces, are written as %20"
    if "#" in url:
        return "must not have a fragment (#…)"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "must be a URL such as https://ci.example/gate"
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    if not parts.hostname or port == 0:
        return "must name a host, and may name a port from 1 to 65535"
    return _host_complaint(parts.hostname)


def _host_complaint(host: str) -> str | None:
    labels = host.removesuffix(".").split(".")
    try:
        if _NUMERIC.issuperset(host):
            IPv4Address(host)  # 127.1 and the like: who looks it up may take it for another address than who checks it
        elif "%" in host or not all(0 < len(label) < 64 for label in labels):
            return _NO_HOST
    except ValueError:
        return _NO_HOST
    return None


def shown_url(url: str) -> str:
    """A URL without what may be secret in it: user, password and query."""
    scheme, _, rest = url.partition("?")[0].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"
