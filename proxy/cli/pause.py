"""``bluegreen pause``: let the running shift or roll stay where it is."""

from __future__ import annotations

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out, running_operation
from proxy.cli.options import common_options, steering_options


@click.command
@common_options
@steering_options
def command(common: Common, *, change: Change) -> None:
    """Let the running shift stay where it is, or the running roll begin no other batch, until somebody resumes it."""
    running = running_operation(common)
    carry_out(common, change, "POST", f"/v1/operations/{running['id']}/pause")
