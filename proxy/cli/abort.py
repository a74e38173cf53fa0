"""``bluegreen abort``: end the running operation and go back to where it began."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out, running_operation
from proxy.cli.options import change_options, common_options


@click.command
@common_options
@change_options
def command(common: Common, *, change: Change) -> None:
    """Abort the running operation: its traffic goes back to where it was, at once."""
    running = running_operation(common)
    carry_out(common, change, "POST", f"/v1/operations/{running['id']}/abort", undoes=True)
