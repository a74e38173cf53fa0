"""``bluegreen hold``: let new requests wait."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out
from proxy.cli.options import change_options, common_options, hold_options


@click.command
@hold_options
@click.option("--unsafe-only", is_flag=True, help="Serve GET, HEAD, OPTIONS and TRACE as ever.")
@common_options
@change_options
def command(common: Common, *, bounds: dict[str, Any], unsafe_only: bool, change: Change) -> None:
    """Let new requests wait until they are released; wait until no earlier request is running."""
    if unsafe_only:  # what is served meanwhile would be waited for, too
        change = replace(change, wait=False)
    path = f"{common.service_path()}/hold"
    carry_out(common, change, "POST", path, unsafe_only=unsafe_only or None, **bounds)
