"""Following an operation to its end, and telling how it ended."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from proxy.cli.context import Change, Common
from proxy.cli.exit_codes import ExitCode
from proxy.cli.terminal import add_row, make_console, make_table, styled

LOOK_EVERY = 1.0
"""Seconds that one call waits for the end of the operation; the time between two updates of the progress bar."""

ENDINGS = {
    "succeeded": ExitCode.DONE,
    "failed": ExitCode.FAILED,
    "aborted": ExitCode.FAILED,
    "rolled_back": ExitCode.ROLLED_BACK,
}

RECEIPT = (
    ("in_flight_at_flip", "in flight when the traffic moved"),
    ("finished_on_old", "of these finished where they began"),
    ("cut_by_client", "of these given up by their clients"),
    ("cut_by_proxy", "of these cut by a drain deadline"),
    ("failed", "of these failed by their upstream"),
    ("dropped", "of these lost"),
    ("retried", "tried again on another upstream"),
    ("spread_ms", "ms until every worker had seen it"),
    ("longest_ms", "ms until the last one was over"),
)
"""What a receipt says, in words."""


def conclude(common: Common, change: Change, reply: Any) -> None:
    """Show the plan of a dry run, or follow the operation that a call began, and end with the exit code it deserves."""
    if change.dry_run:
        _show_plan(common, reply)
        return
    if not change.wait:
        _show_begun(common, reply)
        return
    operation = follow(common, reply, change.timeout)
    _show(common, operation)
    sys.exit(ENDINGS.get(operation["state"], ExitCode.TIMED_OUT))


def follow(common: Common, operation: dict[str, Any], timeout: float) -> dict[str, Any]:
    """The operation once it has ended, or after ``timeout`` seconds; live progress on a terminal."""
    console = make_console(stderr=True)
    deadline = time.monotonic() + timeout
    with _progress(console, common) as progress:
        task = progress.add_task(_headline(operation), total=None)
        while operation["state"] in ("running", "paused") and (left := deadline - time.monotonic()) > 0:
            wait = min(LOOK_EVERY, left)
            path = f"/v1/operations/{operation['id']}?wait={wait:.3f}s"
            operation = common.client.get(path, timeout=wait + 30).body
            progress.update(task, description=_headline(operation))
    return operation


def _progress(console: Console, common: Common) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=common.as_json or not console.is_terminal)


def _headline(operation: dict[str, Any]) -> str:
    progress = operation.get("progress") or {}
    left = progress.get("in_flight")
    text = f"{operation['kind']} {operation['id']}: {progress.get('phase', operation['state'])}"
    if progress.get("phase") == "draining" and left is not None:
        text += f", {left} requests and {progress.get('tunnels', 0)} long-lived connections left"
    return text


def _show_begun(common: Common, operation: dict[str, Any]) -> None:
    if common.as_json:
        click.echo(json.dumps(operation))
    else:
        click.echo(f"{operation['kind']} {operation['id']} is {operation['state']}; see: bluegreen history")


def _show_plan(common: Common, plan: dict[str, Any]) -> None:
    if common.as_json:
        click.echo(json.dumps(plan))
        return
    if not plan["changes"]:
        click.echo("nothing would change")
    for change in plan["changes"]:
        click.echo(f"would change {change['path']}: {change['before']} -> {change['after']}")


def _show(common: Common, operation: dict[str, Any]) -> None:
    if common.as_json:
        click.echo(json.dumps(operation))
        return
    console = make_console()
    console.print(f"{operation['kind']} {operation['id']}", styled(operation["state"]))
    if operation.get("note"):
        console.print(operation["note"])
    show_receipt(console, operation.get("receipt"))


def show_receipt(console: Console, receipt: dict[str, Any] | None) -> None:
    """What an operation did to requests."""
    if not receipt:
        return
    table = make_table(console, ">count", "receipt")
    for key, words in RECEIPT:
        if receipt.get(key) is not None:
            value = receipt[key]
            add_row(table, (f"{value:.1f}" if isinstance(value, float) else value, words))
    console.print(table)
