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
    """Abort the running operation: traffic goes back to where it was, at once; a roll ends when its batch is back."""
    running = running_operation(common)
    carry_out(common, change, "POST", f"/v1/operations/{running['id']}/abort", undoes=True)
