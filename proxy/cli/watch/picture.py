"""The live picture as a whole: what there is room for, the most telling first.

Each part gets what it needs least, then those that matter more get what they want, then there is air between them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from proxy.cli.context import Common
from proxy.cli.load_table import live_rows, live_table, short_rows
from proxy.cli.terminal import Page
from proxy.cli.watch import overview, parts
from proxy.cli.watch.looking import Look

Lines = list[list[Segment]]

NUMBERS, UPSTREAMS, HISTORY, AIR = "numbers", "upstreams", "history", "air"

WHOLE: Final = (NUMBERS, AIR)
"""What is there as a whole or not at all."""

GAPS: Final = 4
"""Empty lines between five parts."""


@dataclass(frozen=True, slots=True)
class Room:
    """Lines for each part."""

    numbers: int
    upstreams: int
    history: int
    air: int


def share_out(room: int, *, short: int, full: int, upstreams: int, history: int) -> Room:
    """Give ``room`` lines to the parts: ``short`` and ``full`` are the lines of the two tables of numbers, the others
    what these parts can use at most.
    """
    wishes = (
        (NUMBERS, short),
        (UPSTREAMS, min(4, upstreams)),
        (HISTORY, min(1, history)),
        (NUMBERS, full),
        (UPSTREAMS, min(7, upstreams)),
        (AIR, GAPS),
        (HISTORY, min(3, history)),
        (UPSTREAMS, upstreams),
        (HISTORY, history),
    )
    given, room = dict.fromkeys((NUMBERS, UPSTREAMS, HISTORY, AIR), 0), max(0, room)
    for part, wish in wishes:
        more = wish - given[part]
        if part not in WHOLE:
            more = min(more, room)
        if more <= room:
            given[part] += more
            room -= more
    return Room(given[NUMBERS], given[UPSTREAMS], given[HISTORY], given[AIR])


class Picture:
    """One look, drawn to fit the terminal, whatever size it has when it is drawn."""

    def __init__(self, common: Common, page: Page, look: Look, trouble: str | None = None) -> None:
        """``trouble``: why nothing newer is known."""
        self._common, self._page, self._look, self._trouble = common, page, look, trouble

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines of the picture, as many as fit."""
        width, height = options.max_width, options.height or console.height
        options = options.update(height=None)

        def lines(*parts: RenderableType) -> Lines:
            return [line for part in parts for line in console.render_lines(part, options, pad=False)]

        for line in self._lines(lines, width, height)[:height]:
            yield from line
            yield Segment.line()

    def _lines(self, lines: Callable[..., Lines], width: int, height: int) -> Lines:
        trouble = lines(Text(self._trouble, "red")) if self._trouble else []
        if len(self._look.services) != 1:
            rows = height - len(trouble)
            return trouble + lines(*overview.table(self._common, self._page, self._look.services, rows, width))
        return trouble + self._service(lines, width, height - len(trouble))

    def _service(self, lines: Callable[..., Lines], width: int, height: int) -> Lines:
        service, look = self._look.services[0], self._look
        head = lines(*parts.head(self._page, service, width))
        doings = lines(*parts.doings(self._common, self._page, look, service, width))
        rows = live_rows(service, look.load)
        few = short_rows(rows)
        count = sum(len(pool["upstreams"]) for pool in service["pools"].values())
        room = share_out(
            height - len(head) - len(doings),
            short=len(few) + 1,
            full=len(rows) + 1,
            upstreams=count + 1,
            history=len(look.entries),
        )
        every = look.load["every"] if look.load else 0.0
        shown = rows if room.numbers > len(few) + 1 else few
        numbers = lines(live_table(self._page, shown, every, width=width)) if room.numbers else []
        upstreams = lines(*parts.upstreams(service, room.upstreams, width)) if room.upstreams else []
        history = lines(*parts.history(look.entries, room.history))
        return stacked(head, numbers, doings, upstreams, history, air=bool(room.air))


def stacked(*blocks: Lines, air: bool) -> Lines:
    """One below the other, with an empty line between them if there is room."""
    found: Lines = []
    for block in blocks:
        if found and block and air:
            found.append([])
        found += block
    return found


def points_for(page: Page) -> int:
    """So many looks of the load are of use on a terminal of that size."""
    return max(10, page.width // 2)
