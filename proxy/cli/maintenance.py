"""``bluegreen maintenance``: answer users with a page."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out
from proxy.cli.options import change_options, common_options


@click.command
@click.argument("state", metavar="{on|off}", type=click.Choice(["on", "off"]))
@click.argument("message", required=False)
@common_options
@change_options
def command(common: Common, state: str, message: str | None, *, change: Change) -> None:
    """Answer users with 503 and a page that says MESSAGE, or serve them again; testers get through."""
    if message is not None and state == "off":
        raise click.UsageError("a message goes with `maintenance on` only")
    on = state == "on"
    done = "users get the maintenance page" if on else "users are served"
    path = f"{common.service_path()}/maintenance"
    carry_out(common, change, "PUT", path, done=done, on=on, message=message)
