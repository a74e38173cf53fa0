"""How things look: tables and colour on a terminal, plain aligned text anywhere else."""

from __future__ import annotations

import os
import sys

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 10_000
"""Columns where nobody looks at the width, so that nothing is folded or cut."""

STYLES = {
    "blue": "bold bright_blue",
    "green": "bold green",
    "healthy": "green",
    "unhealthy": "red",
    "ejected": "red",
    "unknown": "yellow",
    "drain": "yellow",
    "maint": "yellow",
    "running": "yellow",
    "paused": "yellow",
    "succeeded": "green",
    "failed": "red",
    "aborted": "red",
    "rolled_back": "red",
}


DUMB = ("dumb", "unknown")
"""Terminals that can only go on writing."""

COARSE = "linux"
"""The terminal whose font has not all the characters that its encoding has: the console of Linux."""


class Page(Console):
    """What is printed to. Colour and progress bars only on a terminal, and not where NO_COLOR is set.

    ``steady`` tells whether it is a terminal on which a picture can stay in its place, be it without colour; ``fine``
    whether it shows characters for drawing that ASCII has not.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        """``stderr``: for messages and progress, as opposed to what was asked for."""
        terminal = (sys.stderr if stderr else sys.stdout).isatty()
        self.steady = terminal and os.environ.get("TERM") not in DUMB
        self.lively = self.steady and not os.environ.get("NO_COLOR")
        super().__init__(
            stderr=stderr,
            force_terminal=self.steady,  # so that FORCE_COLOR does not put colour into files and pipes
            color_system="auto" if self.lively else None,
            width=None if terminal else PLAIN_WIDTH,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self.fine = self.encoding.startswith("utf") and os.environ.get("TERM") != COARSE

    def on_broken_pipe(self) -> None:
        """Leave it to the one place where the command ends."""
        raise  # noqa: PLE0704 - called where the error is handled

    def show(self, content: RenderableType) -> None:
        """Print without the spaces that fill up lines, which only a terminal has a use for."""
        if self.lively:
            self.print(content)
            return
        with self.capture() as capture:
            self.print(content)
        self.out(*(line.rstrip() for line in capture.get().splitlines()), sep="\n")


def styled(word: object) -> Text:
    """A word in the colour that it has everywhere."""
    return Text(str(word), style=STYLES.get(str(word), ""))


def make_table(page: Page, *headings: str) -> Table:
    """An empty table, whose first column is never folded. Headings that begin with ``>`` are of columns of numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    if page.lively:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading.lstrip(">"), justify="right" if heading.startswith(">") else "left", overflow="fold")
    table.columns[0].no_wrap = True
    return table


def add_row(table: Table, *cells: object) -> None:
    """Add a row; words that have a colour get it."""
    table.add_row(*(cell if isinstance(cell, Text) else styled("" if cell is None else cell) for cell in cells))
