"""How things look: tables and colour on a terminal, plain aligned text anywhere else."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 200
"""Columns where nobody looks at the width, so that nothing is folded or cut."""

STYLES = {
    "blue": "bold blue",
    "green": "bold green",
    "healthy": "green",
    "unhealthy": "red",
    "ejected": "red",
    "unknown": "yellow",
    "drain": "yellow",
    "maint": "yellow",
    "running": "yellow",
    "succeeded": "green",
    "failed": "red",
    "aborted": "red",
    "rolled_back": "red",
}


def make_console(*, stderr: bool = False) -> Console:
    """The console to print to. Colour only on a terminal, and not where NO_COLOR is set."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=stderr, highlight=False, width=PLAIN_WIDTH, no_color=True)
    return console


def styled(word: object) -> Text:
    """A word in the colour that it has everywhere."""
    return Text(str(word), style=STYLES.get(str(word), ""))


def make_table(console: Console, *headings: str, title: str | None = None) -> Table:
    """An empty table. Headings that begin with ``>`` are of columns of numbers."""
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False
    )
    for heading in headings:
        table.add_column(heading.lstrip(">"), justify="right" if heading.startswith(">") else "left")
    return table


def add_row(table: Table, cells: Sequence[object]) -> None:
    """Add a row; words that have a colour get it."""
    table.add_row(*(cell if isinstance(cell, Text) else styled("" if cell is None else cell) for cell in cells))
