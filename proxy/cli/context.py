"""What verbs share that talk to the admin API: whom they ask, about which service, and how they are to answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import click

from proxy.cli.admin_client import CALL_TIMEOUT, AdminClient, Unreachable


@dataclass(frozen=True, slots=True)
class Common:
    """The options that all of them have."""

    client: AdminClient
    service: str | None
    reason: str | None
    output: str
    given: str = ""
    """The options on the command line that another command needs, too, to be about the same thing."""

    @property
    def as_json(self) -> bool:
        """Whether the answer is for a machine."""
        return self.output == "json"

    def command(self, verb: str) -> str:
        """Another command about the same service and admin API, as it can be typed."""
        return f"bluegreen {verb}{self.given}"

    def services(self, *, timeout: float = CALL_TIMEOUT) -> list[dict[str, Any]]:
        """All services, or the one that was named; within ``timeout`` seconds."""
        if self.service is not None:
            return [self.client.get(service_path(self.service), timeout=timeout)]
        found = self.client.get("/v1/services", timeout=timeout).get("services")
        if not isinstance(found, list):
            raise Unreachable(f"what answers at {self.client.address} is no admin API", sent=False)
        return found

    def service_name(self) -> str:
        """The service that is meant: the one named, or the only one there is."""
        if self.service is not None:
            return self.service
        names = [str(service["name"]) for service in self.services()]
        if len(names) != 1:
            raise click.UsageError(f"there are {len(names)} services ({', '.join(names)}): name one with --service")
        return names[0]

    def service_path(self) -> str:
        """The path of the service that is meant."""
        return service_path(self.service_name())

    def body(self, **fields: object) -> dict[str, object]:
        """A request's body: what is asked, and why."""
        given = {key: value for key, value in fields.items() if value is not None}
        return given if self.reason is None else {**given, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Change:
    """The options of those that change something."""

    dry_run: bool
    wait: bool
    timeout: float | None
    """Seconds; ``None``: as long as the operation may well take."""

    @property
    def query(self) -> str:
        """What is added to the path."""
        return "?dry_run=true" if self.dry_run else ""


def service_path(name: str) -> str:
    """The path of a service in the admin API."""
    return f"/v1/services/{quote(name, safe='')}"
