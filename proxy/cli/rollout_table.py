"""A rolling deployment on a terminal: its servers with their stages, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from proxy.cli.context import Common
from proxy.cli.drawing import bar
from proxy.cli.rollout_words import ways_on
from proxy.cli.terminal import STYLES, Page, add_row, make_table
from proxy.wording import rollouts
from proxy.wording.numbers import span_words

AROUND = 10
"""Lines that a terminal needs for all but the rows of servers."""

FEWEST = 5
"""So many servers have a row on the smallest terminal, too."""

BAR = 40
"""Columns of the bar that shows how many servers are done."""


@contextmanager
def live_table(common: Common, page: Page) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Gives a function that shows the rolling deployment anew; what it shows is gone afterwards."""
    with Live(console=page, auto_refresh=False, transient=True) as live:

        def update(operation: dict[str, Any]) -> None:
            if rollouts.is_rolling(operation):
                live.update(picture(common, page, operation), refresh=True)

        yield update


def picture(common: Common, page: Page, operation: dict[str, Any]) -> Group:
    """Where it stands, a bar, and a row for each server."""
    rollout = operation["rollout"]
    words = [*rollouts.detail_words(rollout), *ways_on(common, rollout)]
    return Group(
        Text(headline(operation)), *(Text(each) for each in words), _bar(page, rollout), server_table(page, rollout)
    )


def _bar(page: Page, rollout: dict[str, Any]) -> Text:
    """How many servers are done."""
    done = sum(server["stage"] == "done" for server in rollout["servers"])
    share = done / len(rollout["servers"]) if rollout["servers"] else 1.0
    return bar(share, width=BAR, style=STYLES[rollout["color"]], fine=page.fine)


def headline(operation: dict[str, Any]) -> str:
    """``roll op-1: blue batch 2 of 3: updating 10.0.0.2:8080, 4 min left``."""
    rollout = operation["rollout"]
    return f"roll {operation['id']}: {rollouts.place_words(rollout)}, {rollouts.left_words(rollout)}"


def server_table(page: Page, rollout: dict[str, Any]) -> Table:
    """A row for each server."""
    table = make_table(page, "server", "stage", ">batch", "version", ">in flight", "done in")
    shown = _most_telling(rollout["servers"], max(FEWEST, page.height - AROUND))
    for server in shown:
        stage, batch = rollouts.stage_words(server), server["batch"] or None
        eta = span_words(server["eta"]) if server["eta"] else None
        version = server["version"] or server["version_before"]
        add_row(table, server["address"], stage, batch, version, server["in_flight"], eta)
    if len(shown) < len(rollout["servers"]):
        add_row(table, f"and {len(rollout['servers']) - len(shown)} more", None, None, None, None, None)
    return table


def _most_telling(servers: list[dict[str, Any]], room: int) -> list[dict[str, Any]]:
    """Those for whom there is room, in their order: those that are worked on first, and those that are done last."""
    if len(servers) <= room:
        return servers
    ranks = {"failed": 1, "serving": 2, "done": 3}
    first = sorted(range(len(servers)), key=lambda place: ranks.get(servers[place]["stage"], 0))[:room]
    return [servers[place] for place in sorted(first)]
