"""``bluegreen ready``: a server that is updated by hand is ready."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out, running_rollout
from proxy.cli.options import common_options, steering_options


@click.command
@click.argument("address", metavar="HOST:PORT")
@click.option("--at", "moved", metavar="HOST:PORT", help="Where it is now, if it has come back elsewhere.")
@common_options
@steering_options
def command(common: Common, address: str, *, moved: str | None, change: Change) -> None:
    """Say that a server which you update by hand is ready: it is checked, and serves again when it is healthy."""
    running = running_rollout(common)
    path = f"/v1/operations/{running['id']}/ready"
    carry_out(common, change, "POST", path, upstream=address, address=moved)
