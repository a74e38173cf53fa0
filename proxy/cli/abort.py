"""``bluegreen abort``: end the running operation and go back to where it began."""

from __future__ import annotations

import sys

import click

from proxy.cli.context import Change, Common, change_options, common_options
from proxy.cli.exit_codes import ExitCode
from proxy.cli.operation import conclude


@click.command
@common_options
@change_options
def command(common: Common, *, change: Change) -> None:
    """Abort the running operation: its traffic goes back to where it was, at once."""
    name = common.service_name()
    running = common.client.get(f"/v1/services/{name}").body["operation"]
    if running is None:
        click.echo(f"bluegreen: no operation is running on service {name}", err=True)
        sys.exit(ExitCode.REFUSED)
    path = f"/v1/operations/{running['id']}/abort{change.query}"
    conclude(common, change, common.client.call("POST", path, common.body()).body)
