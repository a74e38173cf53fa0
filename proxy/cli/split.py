"""``bluegreen split``: green's share, set directly."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common, change_options, common_options
from proxy.cli.operation import conclude


@click.command
@click.argument("percent", type=click.FloatRange(0, 100))
@click.option("--force", is_flag=True, help="Even if a color that gains traffic has no healthy upstream.")
@common_options
@change_options
def command(common: Common, percent: float, *, force: bool, change: Change) -> None:
    """Set green's share to PERCENT (0 to 100, to 0.01) at once."""
    path = f"/v1/services/{common.service_name()}/split{change.query}"
    conclude(common, change, common.client.call("PUT", path, common.body(green=percent, force=force or None)).body)
