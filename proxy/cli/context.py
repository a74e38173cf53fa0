"""What every verb shares: its common options, the admin API it talks to, and how it ends when that says no."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from proxy.cli.admin_client import DEFAULT_ADMIN, AdminClient, Problem, Unreachable
from proxy.cli.exit_codes import ExitCode

DEFAULT_WAIT = 400.0
"""Seconds a verb waits for the end of its operation: longer than a drain with its default deadlines can take."""


@dataclass(frozen=True, slots=True)
class Common:
    """The options that all verbs have which talk to the admin API."""

    client: AdminClient
    service: str | None
    reason: str | None
    output: str

    @property
    def as_json(self) -> bool:
        """Whether the answer is for a machine."""
        return self.output == "json"

    def service_name(self) -> str:
        """The service that is meant: the one named, or the only one there is."""
        if self.service is not None:
            return self.service
        names = [str(service["name"]) for service in self.client.get("/v1/services").body["services"]]
        if len(names) == 1:
            return names[0]
        if "default" in names:
            return "default"
        raise click.UsageError(f"there are several services ({', '.join(names)}): name one with --service")

    def body(self, **fields: object) -> dict[str, object]:
        """A request's body: what is asked, and why."""
        given = {key: value for key, value in fields.items() if value is not None}
        return given if self.reason is None else {**given, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Change:
    """The options that all verbs have which change something."""

    dry_run: bool
    wait: bool
    timeout: float

    @property
    def query(self) -> str:
        """What is added to the path."""
        return "?dry_run=true" if self.dry_run else ""


def common_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the common options as its first argument, and turn refusals into messages and exit codes."""

    @click.option("--service", metavar="NAME", envvar="BLUEGREEN_SERVICE", help="Not needed if there is only one.")
    @click.option("--reason", metavar="TEXT", envvar="BLUEGREEN_REASON", help="Why, for the journal.")
    @click.option(
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        envvar="BLUEGREEN_OUTPUT",
        help="For people, or for machines.",
    )
    @click.option(
        "--admin",
        metavar="ADDRESS",
        default=DEFAULT_ADMIN,
        show_default=True,
        envvar="BLUEGREEN_ADMIN",
        help="The admin API: host:port or unix:PATH.",
    )
    @click.option("--token", metavar="TOKEN", envvar="BLUEGREEN_TOKEN", help="Bearer token for the admin API.")
    @functools.wraps(verb)
    def with_options(
        *args: Any,
        service: str | None,
        reason: str | None,
        output: str,
        admin: str,
        token: str | None,
        **kwargs: Any,
    ) -> None:
        try:
            client = AdminClient(admin, token)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--admin") from error
        with reported_refusals(output):
            verb(Common(client, service, reason, output), *args, **kwargs)

    return with_options


def change_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of those that change something, as its argument ``change``."""

    @click.option("--dry-run", is_flag=True, envvar="BLUEGREEN_DRY_RUN", help="Show what would change; change nothing.")
    @click.option("--wait/--no-wait", default=True, envvar="BLUEGREEN_WAIT", help="Wait until it is done and drained.")
    @click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=0),
        default=DEFAULT_WAIT,
        show_default=True,
        envvar="BLUEGREEN_TIMEOUT",
        help="How long to wait.",
    )
    @functools.wraps(verb)
    def with_options(*args: Any, dry_run: bool, wait: bool, timeout: float, **kwargs: Any) -> None:
        verb(*args, change=Change(dry_run, wait, timeout), **kwargs)

    return with_options


@contextmanager
def reported_refusals(output: str) -> Iterator[None]:
    """Ends the command with a message and the right exit code when the admin API refuses or is not there."""
    try:
        yield
    except Unreachable as error:
        _refuse(output, ExitCode.UNREACHABLE, {"code": "unreachable", "detail": str(error)})
    except Problem as error:
        code = ExitCode.FAILED if error.status >= 500 else ExitCode.REFUSED
        _refuse(output, code, {**error.document, "code": error.code, "detail": error.detail})


def _refuse(output: str, code: ExitCode, document: dict[str, Any]) -> NoReturn:
    if output == "json":
        click.echo(json.dumps(document))
    click.echo(f"bluegreen: {document['detail'] or document['code']} ({document['code']})", err=True)
    sys.exit(code)
