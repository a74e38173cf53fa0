"""``bluegreen switch``: all traffic to one color."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common, change_options, common_options
from proxy.cli.operation import conclude


@click.command
@click.argument("color", type=click.Choice(["blue", "green"]))
@click.option("--force", is_flag=True, help="Even if no upstream of that color is healthy.")
@common_options
@change_options
def command(common: Common, color: str, *, force: bool, change: Change) -> None:
    """Move all traffic to COLOR at once; wait until it is applied and the other color is drained; print the receipt."""
    path = f"/v1/services/{common.service_name()}/switch{change.query}"
    conclude(common, change, common.client.call("POST", path, common.body(to=color, force=force or None)).body)
