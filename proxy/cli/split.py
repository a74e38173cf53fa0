"""``bluegreen split``: green's share, set directly."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out
from proxy.cli.options import change_options, common_options


@click.command
@click.argument("percent", metavar="PERCENT", type=click.FloatRange(0, 100))
@click.option("--force", is_flag=True, help="Even if a color that gains traffic has no healthy upstream.")
@common_options
@change_options
def command(common: Common, percent: float, *, force: bool, change: Change) -> None:
    """Set green's share to PERCENT (0 to 100, with at most two decimals) at once."""
    if round(percent, 2) != percent:
        raise click.BadParameter(f"{percent:g} has more than two decimals.", param_hint="PERCENT")
    path = f"{common.service_path()}/split"
    carry_out(common, change, "PUT", path, green=percent, force=force or None)
