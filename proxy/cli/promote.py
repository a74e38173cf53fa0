"""``bluegreen promote``: let the running shift or roll go further now."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out, running_operation
from proxy.cli.options import common_options, steering_options


@click.command
@click.option("--full", is_flag=True, help="A shift to its end; a roll without watching any other batch.")
@common_options
@steering_options
def command(common: Common, *, full: bool, change: Change) -> None:
    """Let the running shift go to its next step now, or the running roll watch its batch no longer."""
    running = running_operation(common)
    carry_out(common, change, "POST", f"/v1/operations/{running['id']}/promote", full=full or None)
