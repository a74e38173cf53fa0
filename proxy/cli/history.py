"""``bluegreen history``: who, when, what, why, before and after."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import click

from proxy.cli.context import Common, common_options
from proxy.cli.terminal import add_row, make_console, make_table

LOOK_EVERY = 1.0
"""Seconds between two looks of ``--follow``."""


@click.command
@click.option("--follow", is_flag=True, help="Go on and show what happens, until Ctrl-C.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many entries.")
@common_options
def command(common: Common, *, follow: bool, limit: int) -> None:
    """Show what operators did, newest last."""
    entries = _read(common, limit)
    _show(common, entries, headings=True)
    last = entries[-1]["id"] if entries else 0
    while follow:
        time.sleep(LOOK_EVERY)
        fresh = [entry for entry in _read(common, 500) if entry["id"] > last]
        if fresh:
            last = fresh[-1]["id"]
            _show(common, fresh, headings=False)


def _read(common: Common, limit: int) -> list[dict[str, Any]]:
    query = f"?limit={limit}" + (f"&service={common.service}" if common.service else "")
    entries: list[dict[str, Any]] = common.client.get(f"/v1/history{query}").body["entries"]
    return entries[::-1]


def _show(common: Common, entries: list[dict[str, Any]], *, headings: bool) -> None:
    if common.as_json:
        for entry in entries:
            click.echo(json.dumps(entry))
        return
    console = make_console()
    table = make_table(console, "when", "who", "what", "service", "change", "why")
    table.show_header = headings
    for entry in entries:
        add_row(
            table, (_when(entry["at"]), entry["by"], entry["action"], entry["service"], _change(entry), entry["reason"])
        )
    if entries or headings:
        console.print(table)


def _when(at: float | str) -> str:
    moment = datetime.fromtimestamp(at, UTC) if isinstance(at, (int, float)) else datetime.fromisoformat(at)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _change(entry: dict[str, Any]) -> str:
    changes = [f"{change['path']}: {change['before']} -> {change['after']}" for change in entry["changes"]]
    return "\n".join(changes)
