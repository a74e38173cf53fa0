"""``bluegreen rollback``: back to the split before the last operation."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common, change_options, common_options
from proxy.cli.operation import conclude


@click.command
@click.option("--force", is_flag=True, help="Even if the color to go back to has no healthy upstream.")
@common_options
@change_options
def command(common: Common, *, force: bool, change: Change) -> None:
    """Go back to the split before the last operation, at once; one that still runs is ended."""
    path = f"/v1/services/{common.service_name()}/rollback{change.query}"
    conclude(common, change, common.client.call("POST", path, common.body(force=force or None)).body)
