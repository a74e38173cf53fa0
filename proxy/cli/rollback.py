"""``bluegreen rollback``: back to the split before the last operation."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out
from proxy.cli.options import change_options, common_options


@click.command
@click.option("--force", is_flag=True, help="Even if the color to go back to has no healthy upstream.")
@common_options
@change_options
def command(common: Common, *, force: bool, change: Change) -> None:
    """Go back to the split before the last operation, at once; one that still runs is ended."""
    path = f"{common.service_path()}/rollback"
    carry_out(common, change, "POST", path, undoes=True, force=force or None)
