"""The options that verbs share."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from proxy.cli.admin_client import DEFAULT_ADMIN, AdminClient
from proxy.cli.context import Change, Common
from proxy.cli.refusals import reported_refusals

config_option = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    default=Path("bluegreen.yaml"),
    show_default=True,
    envvar="BLUEGREEN_CONFIG",
    help="The config file.",
)

output_option = click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    envvar="BLUEGREEN_OUTPUT",
    help="For people, or for machines.",
)

color_argument = click.argument("color", metavar="{blue|green}", type=click.Choice(["blue", "green"]))


class Duration(click.ParamType[float]):
    """Seconds, written as ``30``, ``30s``, ``500ms`` or ``5m``."""

    name = "duration"

    def __init__(self, *, zero: bool = False) -> None:
        """``zero``: whether it may be none at all."""
        self._zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of seconds."""
        if isinstance(value, float):
            return value
        from proxy.config import units  # noqa: PLC0415 - half of what a verb that does not wait costs

        text = str(value)
        try:
            parse = units.parse_duration_or_zero if self._zero else units.parse_duration
            return parse(f"{text}s" if text.replace(".", "", 1).isdecimal() else text)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def common_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the common options as its first argument, and turn refusals into messages and exit codes."""

    @click.option("--service", metavar="NAME", envvar="BLUEGREEN_SERVICE", help="Not needed if there is only one.")
    @click.option("--reason", metavar="TEXT", envvar="BLUEGREEN_REASON", help="Why, for the history.")
    @output_option
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
            raise click.UsageError(str(error)) from error
        common = Common(client, service, reason, output, _given(service=service, admin=admin))
        with reported_refusals(common):
            verb(common, *args, **kwargs)

    return with_options


def _given(**options: str | None) -> str:
    """Those of the options that stand on the command line; what comes from the environment is there next time, too."""
    ctx = click.get_current_context()
    typed = (name for name in options if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE)
    return "".join(f" --{name} {shlex.quote(str(options[name]))}" for name in typed)


def change_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of those that change something, as its argument ``change``."""
    return _change_options(verb, waits=True, until="Wait until it is done and drained.")


def steering_options(verb: Callable[..., None]) -> Callable[..., None]:
    """The same for those that only tell a running operation something: it is followed if that is asked for."""
    return _change_options(verb, waits=False, until="Follow the operation to its end.")


def _change_options(verb: Callable[..., None], *, waits: bool, until: str) -> Callable[..., None]:
    @click.option("--dry-run", is_flag=True, envvar="BLUEGREEN_DRY_RUN", help="Show what would change; change nothing.")
    @click.option("--wait/--no-wait", default=waits, envvar="BLUEGREEN_WAIT" if waits else None, help=until)
    @click.option(
        "--timeout",
        metavar="DURATION",
        type=Duration(),
        envvar="BLUEGREEN_TIMEOUT",
        help="How long to wait: 30, 30s, 5m. [default: 400s; of shift and roll, as long as it takes]",
    )
    @functools.wraps(verb)
    def with_options(*args: Any, dry_run: bool, wait: bool, timeout: float | None, **kwargs: Any) -> None:
        verb(*args, change=Change(dry_run, wait, timeout), **kwargs)

    return with_options


DECISIONS = ("before_start", "before_increase", "before_promotion")
"""Moments at which somebody may have to agree."""


def gate_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb what has to agree on its way, as its arguments ``gates`` (``None``: nothing) and ``judge``."""

    @click.option("--gate", "urls", metavar="URL", multiple=True, help="A webhook that has to agree to each step.")
    @click.option(
        "--approve", "approvals", type=click.Choice(DECISIONS), multiple=True, help="Wait there for somebody."
    )
    @click.option("--judge/--no-judge", default=True, help="Watch what is new, and stop or go back if it is worse.")
    @functools.wraps(verb)
    def with_options(*args: Any, urls: tuple[str, ...], approvals: tuple[str, ...], **kwargs: Any) -> None:
        asked = {"webhooks": [{"url": url} for url in urls], "approval": list(approvals)}
        verb(*args, gates={kind: found for kind, found in asked.items() if found} or None, **kwargs)

    return with_options


def written(seconds: float | None) -> str | None:
    """A duration as the admin API takes it."""
    return None if seconds is None else f"{round(seconds * 1000)}ms"


def hold_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the bounds within which requests are held, as its argument ``bounds``: those that were given."""

    @click.option("--max-wait", metavar="DURATION", type=Duration(), help="How long a request waits at most.")
    @click.option("--max-requests", metavar="COUNT", type=click.IntRange(1), help="How many may wait.")
    @click.option("--max-bytes", metavar="SIZE", help="How many bytes of them: 64KiB, 16MiB.")
    @functools.wraps(verb)
    def with_options(
        *args: Any, max_wait: float | None, max_requests: int | None, max_bytes: str | None, **kwargs: Any
    ) -> None:
        wait = None if max_wait is None else f"{max_wait}s"
        bounds = {"max_wait": wait, "max_requests": max_requests, "max_bytes": max_bytes}
        verb(*args, bounds={name: bound for name, bound in bounds.items() if bound is not None}, **kwargs)

    return with_options
