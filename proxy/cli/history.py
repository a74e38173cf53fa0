"""``bluegreen history``: who, when, what, why, before and after."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import click
from rich.table import Table

from proxy.cli.admin_client import Unreachable
from proxy.cli.context import Common
from proxy.cli.messages import print_json, say
from proxy.cli.options import common_options
from proxy.cli.terminal import Page, add_row, make_table
from proxy.wording.changes import change_words

LOOK_EVERY = 1.0
"""Seconds between two looks of ``--follow``."""

PAGE = 100
"""Entries that one call of ``--follow`` asks for."""


@click.command
@click.option("--follow", is_flag=True, help="Go on and show what happens, until Ctrl-C.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many entries.")
@common_options
def command(common: Common, *, follow: bool, limit: int) -> None:
    """Show who changed what, when and why, newest last."""
    page = Page()
    entries = _read(common, limit=limit)
    _show(common, page, entries, heading=True)
    last = entries[-1]["id"] if entries else 0
    while follow:
        time.sleep(LOOK_EVERY)
        try:
            entries = _read_after(common, last)
        except Unreachable as error:
            say(f"{error}; trying again")
            continue
        if entries:
            _show(common, page, entries, heading=False)
            last = entries[-1]["id"]


def _read(common: Common, *, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """A page of entries, oldest first."""
    query = f"?limit={limit}" + ("" if before is None else f"&before={before}")
    if common.service is not None:
        query += f"&service={quote(common.service, safe='')}"
    entries: list[dict[str, Any]] = common.client.get(f"/v1/history{query}")["entries"]
    return entries[::-1]


def _read_after(common: Common, last: int) -> list[dict[str, Any]]:
    """All entries after one, oldest first, however many there are."""
    entries = _read(common, limit=PAGE)
    while entries and entries[0]["id"] > last + 1 and (older := _read(common, limit=PAGE, before=entries[0]["id"])):
        entries = [*older, *entries]
    return [entry for entry in entries if entry["id"] > last]


def _show(common: Common, page: Page, entries: list[dict[str, Any]], *, heading: bool) -> None:
    if common.as_json:
        for entry in entries:
            print_json(entry)
    elif entries or heading:
        page.show(_table(page, entries, heading=heading))


def _table(page: Page, entries: list[dict[str, Any]], *, heading: bool) -> Table:
    table = make_table(page, "when", "who", "what", "service", "change", "why")
    table.show_header = heading
    for entry in entries:
        changes = "; ".join(change_words(change) for change in entry["changes"])
        if entry["operation"] and not changes:
            changes = "it was so already"
        add_row(table, _when(entry["at"]), entry["by"], entry["action"], entry["service"], changes, entry["reason"])
    return table


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
