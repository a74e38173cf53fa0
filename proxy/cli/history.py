"""``bluegreen history``: who, when, what, why, before and after."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote

import click
from rich.cells import cell_len
from rich.table import Table

from proxy.cli.admin_client import Problem, Unreachable
from proxy.cli.context import Common
from proxy.cli.messages import print_json, say
from proxy.cli.options import common_options
from proxy.cli.terminal import Page, add_row, make_table
from proxy.wording.changes import entry_words

LOOK_EVERY = 1.0
"""Seconds between two looks of ``--follow``."""

FEW = 10
"""Entries that a look of ``--follow`` asks for: mostly there is nothing new."""

MANY = 500
"""Entries that it asks for at a time where more has happened."""

ITS_FAULT = 500
"""From this status on a refusal is the front door's fault, and may pass."""

HEADINGS = ("when", "who", "what", "operation", "service", "change", "why")

STEADY = 5
"""So many columns keep their widths from one look to the next; what follows them is as long as it is."""


@click.command
@click.option("--follow", is_flag=True, help="Go on and show what happens, until Ctrl-C.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many entries.")
@common_options
def command(common: Common, *, follow: bool, limit: int) -> None:
    """Show who changed what, when and why, newest last."""
    sheet = _Sheet(common)
    entries = _read(common, limit=limit)
    sheet.show(entries, heading=True)
    if follow:
        _follow(common, sheet, entries[-1]["id"] if entries else 0)


def _follow(common: Common, sheet: _Sheet, last: int) -> NoReturn:
    """Show what comes after an entry. While nobody answers, or the store does not, it waits, and says so once."""
    trouble = False
    while True:
        time.sleep(LOOK_EVERY)
        try:
            entries = _read_after(common, last)
        except (Unreachable, Problem) as error:
            if isinstance(error, Problem) and error.status < ITS_FAULT:
                raise
            if not trouble:
                say(f"{error}; trying again")
            trouble = True
            continue
        if trouble:
            say("the history can be read again")
            trouble = False
        if entries:
            sheet.show(entries)
            last = entries[-1]["id"]


def _read(common: Common, *, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """A page of entries, oldest first."""
    query = f"?limit={limit}" + ("" if before is None else f"&before={before}")
    if common.service is not None:
        query += f"&service={quote(common.service, safe='')}"
    entries: list[dict[str, Any]] = common.client.get(f"/v1/history{query}")["entries"]
    return entries[::-1]


def _read_after(common: Common, last: int) -> list[dict[str, Any]]:
    """All entries after one, oldest first, however many there are; all there are if the history has begun anew."""
    entries = _read(common, limit=FEW)
    if entries and entries[-1]["id"] < last:
        last = 0  # the front door was given another store: ids begin at 1 there
    while entries and entries[0]["id"] > last + 1 and (older := _read(common, limit=MANY, before=entries[0]["id"])):
        entries = [*older, *entries]
    return [entry for entry in entries if entry["id"] > last]


class _Sheet:
    """What entries are printed on. Those that come later stand below the same columns."""

    def __init__(self, common: Common) -> None:
        self._as_json = common.as_json
        self._page = Page()
        self._widths = [len(heading) for heading in HEADINGS[:STEADY]]

    def show(self, entries: list[dict[str, Any]], *, heading: bool = False) -> None:
        """Add them at the end, with the ``heading`` above."""
        if self._as_json:
            for entry in entries:
                print_json(entry)
        elif entries or heading:
            self._page.show(self._table(entries, heading=heading))

    def _table(self, entries: list[dict[str, Any]], *, heading: bool) -> Table:
        rows = [_cells(entry) for entry in entries]
        for column, width in enumerate(self._widths):
            self._widths[column] = max([width, *(cell_len(row[column]) for row in rows)])
        table = make_table(self._page, *HEADINGS)
        table.show_header = heading
        for place, width in enumerate(self._widths):
            table.columns[place].min_width = width
        for row in rows:
            add_row(table, *row)
        return table


def _cells(entry: dict[str, Any]) -> list[str]:
    facts = (entry["by"], entry["action"], entry["operation"], entry["service"], entry_words(entry), entry["reason"])
    return [_when(entry["at"]), *(fact or "" for fact in facts)]


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
