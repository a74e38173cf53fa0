"""Several services at once: a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from proxy.cli.context import Common
from proxy.cli.drawing import split_bar
from proxy.cli.terminal import Page, styled
from proxy.wording import rollouts, shifts

BAR = 12

SERVING = "serving"


def table(
    common: Common, page: Page, services: Sequence[dict[str, Any]], room: int, width: int
) -> Iterator[RenderableType]:
    """A line each, of more than fit first those with something going on; and how to see one of them."""
    fits = len(services) <= room - 2
    shown = services if fits else sorted(services, key=_rank)[: max(room - 3, 0)]
    rows = Table(box=None, pad_edge=False, padding=(0, 2 if width >= 100 else 1, 0, 0), header_style="dim")
    for heading in ("service", "live", ">green", "", "healthy", ">in flight"):
        rows.add_column(heading.lstrip(">"), justify="right" if heading.startswith(">") else "left", no_wrap=True)
    rows.add_column("going on")  # gives way where it is too narrow
    for service in shown:
        rows.add_row(*_cells(page, service))
    yield rows
    if not fits:
        yield Text(f"and {len(services) - len(shown):,} more", "dim")
    yield Text(f"one of them: `{common.command('status --watch --service NAME')}`", "dim")


def _cells(page: Page, service: dict[str, Any]) -> Iterator[Text | str]:
    yield Text(service["name"], "bold")
    yield styled(service["live"])
    yield f"{service['split']['green']:g} %"
    yield split_bar(service["split"]["blue"] / 100, width=BAR, fine=page.fine)
    healthy = Counter(each["health"] == "healthy" for each in _upstreams(service))
    yield Text(f"{healthy[True]} of {healthy.total()}", "red" if healthy[False] else "")
    yield str(sum(sum(pool["in_flight"].values()) for pool in service["pools"].values()))
    yield _going_on(service)


def _upstreams(service: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for pool in service["pools"].values():
        yield from pool["upstreams"]


def _going_on(service: dict[str, Any]) -> Text:
    operation = service["operation"]
    if not operation:
        return _line("" if service["state"] == SERVING else service["state"])
    words = f"{operation['kind']} {operation['id']}: "
    if shifts.is_moving(operation):
        words += f"{shifts.place_words(operation['shift'])}, {shifts.left_words(operation['shift'])}"
    elif rollouts.is_rolling(operation):
        words += f"{rollouts.place_words(operation['rollout'])}, {rollouts.left_words(operation['rollout'])}"
    else:
        words += operation["progress"]["phase"]
    return _line(words)


def _line(words: str) -> Text:
    return Text(words, "yellow", no_wrap=True, overflow="ellipsis")


def _rank(service: dict[str, Any]) -> int:
    if service["operation"] or service["state"] != SERVING:
        return 0
    return 1 if any(each["health"] != "healthy" for each in _upstreams(service)) else 2
