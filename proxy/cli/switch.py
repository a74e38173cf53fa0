"""``bluegreen switch``: all traffic to one color."""

from __future__ import annotations

from typing import Any

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out
from proxy.cli.options import change_options, color_argument, common_options, hold_options


@click.command
@color_argument
@click.option("--force", is_flag=True, help="Even if no upstream of that color is healthy.")
@click.option("--exclusive", is_flag=True, help="Hold new requests until all others have ended, and only then move.")
@hold_options
@common_options
@change_options
def command(
    common: Common, color: str, *, force: bool, exclusive: bool, bounds: dict[str, Any], change: Change
) -> None:
    """Move all traffic to a color at once; wait until the other is drained, and print the receipt."""
    if bounds and not exclusive:
        raise click.UsageError("the bounds of a hold go with --exclusive only")
    mode = "exclusive" if exclusive else None
    path = f"{common.service_path()}/switch"
    carry_out(common, change, "POST", path, to=color, force=force or None, mode=mode, **bounds)
