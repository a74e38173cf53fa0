"""``bluegreen release``: let those who wait go on."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out
from proxy.cli.options import change_options, common_options


@click.command
@common_options
@change_options
def command(common: Common, *, change: Change) -> None:
    """Let requests go on that wait, in the order in which they came, and print how many there were."""
    carry_out(common, change, "POST", f"{common.service_path()}/release", done="no requests are held")
