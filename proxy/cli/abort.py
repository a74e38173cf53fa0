"""``bluegreen abort``: end the running operation and go back to where it began."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common
from proxy.cli.exit_codes import ExitCode
from proxy.cli.operation import carry_out
from proxy.cli.options import change_options, common_options
from proxy.cli.refusals import end


@click.command
@common_options
@change_options
def command(common: Common, *, change: Change) -> None:
    """Abort the running operation: its traffic goes back to where it was, at once."""
    name = common.service_name()
    running = common.client.get(common.service_path())["operation"]
    if running is None:
        problem = {"code": "nothing_running", "detail": f"no operation is running on service {name}"}
        end(common, ExitCode.REFUSED, problem, f"to undo the last one: `{common.command('rollback')}`")
    carry_out(common, change, "POST", f"/v1/operations/{running['id']}/abort")
