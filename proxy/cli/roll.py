"""``bluegreen roll``: the servers of a color updated, a few at a time."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out
from proxy.cli.options import (
    Duration,
    change_options,
    color_argument,
    common_options,
    gate_options,
    written,
)


class Servers(click.ParamType[Any]):
    """A number of servers, or a percentage of the pool's."""

    name = "servers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """As the admin API takes it."""
        text = str(value)
        if text.isascii() and text.isdigit():
            return int(text)
        if not text.removesuffix("%").replace(".", "", 1).isdecimal() or not text.endswith("%"):
            self.fail(f"{text!r} must be a number of servers such as 2, or a percentage such as 25%", param, ctx)
        return text


class Variable(click.ParamType[tuple[str, str]]):
    """``NAME=VALUE``."""

    name = "variable"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Name and value."""
        if isinstance(value, tuple):
            return value
        name, equals, rest = str(value).partition("=")
        if not name or not equals:
            self.fail(f"{value!r} must be NAME=VALUE", param, ctx)
        return name, rest


SOME = Duration()
ANY = Duration(zero=True)


@click.command
@color_argument
@click.option("--batch", metavar="SERVERS", type=Servers(), help="How many at a time: 2, or 25%. [default: 1]")
@click.option("--min-available", metavar="SERVERS", type=Servers(), help="How many always serve. [default: 50%]")
@click.option("--first-batch", metavar="SERVERS", type=Servers(), help="How many in the first batch. [default: 1]")
@click.option("--first-watch", metavar="DURATION", type=ANY, help="Watch that one for so long. [default: 4 times]")
@click.option("--hook", metavar="URL|COMMAND", help="What updates a batch. [default: you do; say `bluegreen ready`]")
@click.option("--hook-timeout", metavar="DURATION", type=SOME, help="It has so long. [default: 10m]")
@click.option("--env", metavar="NAME=VALUE", type=Variable(), multiple=True, help="A variable for the command.")
@click.option("--to-version", metavar="VERSION", help="What the servers are updated to.")
@click.option("--from-version", metavar="VERSION", help="What they run now, for a hook that restores it.")
@click.option("--detect-header", metavar="NAME", help="A header in which a server says its version.")
@click.option("--detect-path", metavar="PATH", help="Where it says so. [default: its health check]")
@click.option("--order", type=click.Choice(["as_listed", "least_loaded"]), help="Whose turn comes first.")
@click.option("--drain-timeout", metavar="DURATION", type=SOME, help="Cut then what a server still has.")
@click.option("--health-consecutive", metavar="COUNT", type=click.IntRange(1, 100), help="So many good checks.")
@click.option("--health-timeout", metavar="DURATION", type=SOME, help="It has so long for these. [default: 2m]")
@click.option("--slow-start", metavar="DURATION", type=ANY, help="Its weight grows for so long. [default: 30s]")
@click.option("--watch", metavar="DURATION", type=ANY, help="Then each batch is watched. [default: 30s]")
@gate_options
@click.option("--on-failure", type=click.Choice(["stop", "restore"]), help="When a batch is bad. [default: stop]")
@click.option("--force", is_flag=True, help="Even if too few, or none, are left to serve meanwhile.")
@common_options
@change_options
def command(
    common: Common,
    color: str,
    *,
    gates: dict[str, object] | None,
    judge: bool,
    force: bool,
    change: Change,
    **plan: Any,
) -> None:
    """Have the servers of a color updated, a few at a time, and follow it to its end.

    Each batch is taken out, drained, updated, checked, put back gently and watched. Without a --hook you update them
    and say `bluegreen ready`. A --hook that begins with http:// or https:// is a webhook; any other is a command that
    the front door's machine runs, as far as hooks.commands of its config allows. Exit code 5: a batch was bad, and all
    that was touched is again as it was.
    """
    update = _update(plan["hook"], plan["hook_timeout"], plan["env"])
    carry_out(
        common,
        change,
        "POST",
        f"{common.service_path()}/pools/{color}/rollouts",
        batch=plan["batch"],
        min_available=plan["min_available"],
        first_batch=_given(size=plan["first_batch"], watch=written(plan["first_watch"])),
        update=update,
        version=plan["to_version"],
        previous_version=plan["from_version"],
        detect=_given(header=plan["detect_header"], path=plan["detect_path"]),
        order=plan["order"],
        drain_timeout=written(plan["drain_timeout"]),
        health=_given(consecutive=plan["health_consecutive"], timeout=written(plan["health_timeout"])),
        slow_start=written(plan["slow_start"]),
        watch=written(plan["watch"]),
        gates=gates,
        judge=None if judge else False,
        on_failure=plan["on_failure"],
        force=force or None,
    )


def _given(**fields: object) -> dict[str, object] | None:
    """What was said of them; ``None``, if nothing was."""
    return {name: value for name, value in fields.items() if value is not None} or None


def _update(hook: str | None, timeout: float | None, env: tuple[tuple[str, str], ...]) -> dict[str, object] | None:
    if hook is None:
        if timeout is not None or env:
            raise click.UsageError("--hook-timeout and --env are about a --hook: name it, too.")
        return None
    if hook.startswith(("http://", "https://")):
        if env:
            raise click.UsageError("--env is for a command; a webhook has no environment.")
        return {"webhook": _given(url=hook, timeout=written(timeout))}
    return {"command": _given(argv=_words(hook), env=dict(env) or None, timeout=written(timeout))}


def _words(command: str) -> list[str]:
    """The words as a shell would read them. ./program is where the command was typed; what a name or the end of a path
    means is for the front door to say, which has a list of what it may run.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise click.UsageError(f"--hook cannot be read as a command: {error}") from error
    if not words:
        raise click.UsageError("--hook names no command.")
    program = str(Path(words[0]).absolute()) if words[0].startswith(".") else words[0]
    return [program, *words[1:]]
