"""``bluegreen switch``: all traffic to one color."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out
from proxy.cli.options import change_options, color_argument, common_options


@click.command
@color_argument
@click.option("--force", is_flag=True, help="Even if no upstream of that color is healthy.")
@common_options
@change_options
def command(common: Common, color: str, *, force: bool, change: Change) -> None:
    """Move all traffic to a color at once; wait until the other is drained, and print the receipt."""
    path = f"{common.service_path()}/switch"
    carry_out(common, change, "POST", path, to=color, force=force or None)
