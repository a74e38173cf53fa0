"""``bluegreen promote``: let the running shift go further now."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out, running_operation
from proxy.cli.options import common_options, steering_options


@click.command
@click.option("--full", is_flag=True, help="To its end, and not only to its next step.")
@common_options
@steering_options
def command(common: Common, *, full: bool, change: Change) -> None:
    """Let the running shift go to its next step now, whatever it waits for."""
    running = running_operation(common)
    carry_out(common, change, "POST", f"/v1/operations/{running['id']}/promote", full=full or None)
