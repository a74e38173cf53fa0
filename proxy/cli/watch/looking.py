"""What a live picture is made of: the services at each look, and now and then how they came to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from proxy.cli.admin_client import Problem
from proxy.cli.context import Common, service_path

PATIENCE = 3.0
"""Seconds for a call. Whoever watches wants to know soon that nobody answers."""

MORE_EVERY = 1.0
"""Seconds between two looks at what changes slowly, unless something has happened."""

MOST_POINTS = 300
"""So many looks of the load are kept."""

ENTRIES = 20
"""So many entries of the history at most."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment."""

    at: float
    """Of this machine's clock, in Unix seconds."""
    services: list[dict[str, Any]]
    load: dict[str, Any] | None = None
    """Of the only service; ``None``: not known, as the other two are where there are more services."""
    entries: tuple[dict[str, Any], ...] = ()
    """The end of its history, newest first."""
    last: dict[str, Any] | None = None
    """Its newest operation."""
    skew: float = 0.0
    """How much the front door's clock is ahead of this machine's."""

    def now(self) -> float:
        """The front door's time."""
        return time.time() + self.skew


class Looker:
    """Looks again and again, and asks no more often than needed."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._due = 0.0
        self._standing: object = None
        self._load: dict[str, Any] | None = None
        self._entries: tuple[dict[str, Any], ...] = ()
        self._last: dict[str, Any] | None = None
        self._skew = 0.0

    def look(self, points: int) -> Look:
        """Look now; ``points`` looks of the load are wanted.

        Raises:
            Unreachable: nobody answers.
            Problem: the admin API refused to show the services.
        """
        services = self._common.services(timeout=PATIENCE)
        at = time.time()
        if len(services) != 1:
            return Look(at, services)
        standing = _standing(services[0])
        if time.monotonic() >= self._due or standing != self._standing:
            self._look_closer(services[0]["name"], min(max(points, 1), MOST_POINTS))
            self._due, self._standing = time.monotonic() + MORE_EVERY, standing
        return Look(at, services, self._load, self._entries, self._last, self._skew)

    def _look_closer(self, name: str, points: int) -> None:
        """What is refused is not known: a store that fails, or a front door that is older than this command."""
        service = quote(name, safe="")
        self._load = self._asked(f"{service_path(name)}/load?points={points}")
        if self._load:
            self._skew = self._load["now"] - time.time()
        history = self._asked(f"/v1/history?limit={ENTRIES}&service={service}")
        self._entries = tuple((history or {}).get("entries", ()))
        newest = (self._asked(f"/v1/operations?limit=1&service={service}") or {}).get("operations")
        self._last = newest[0] if newest else None

    def _asked(self, path: str) -> dict[str, Any] | None:
        try:
            return self._common.client.get(path, timeout=PATIENCE)
        except Problem:
            return None


def _standing(service: dict[str, Any]) -> object:
    """What tells that something has happened that the history knows of."""
    operation = service["operation"] or {}
    return service["revision"], service["state"], operation.get("id"), operation.get("state")
