"""How much each color has to do and how well it does, in numbers, and in sparklines of the last minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from proxy.cli.drawing import sparkline
from proxy.cli.terminal import STYLES, Page, make_table, styled
from proxy.traffic.judge.words import duration, percent
from proxy.wording.numbers import UNKNOWN, rate_words, span_words

Numbers = Sequence[float | None]

LATELY = 5
"""Looks over which the share of errors is taken, as the quantiles are: ten seconds."""

TIMES = ("p50", "p95", "p99")

LEAST_ERRORS = 0.01
"""The share of errors that fills a sparkline at least, lest one error in thousands looks like a catastrophe."""

LABEL, VALUE = 10, 7
"""Columns of the live table beside its sparklines."""

SHORT = ("requests/s", "errors", "p99", "in flight")
"""The rows for which there is always room."""


def load_table(page: Page, load: dict[str, Any] | None) -> Table | None:
    """The numbers of now, a color a row; ``None`` where nothing is known yet."""
    courses = (load or {}).get("colors", {})
    if not any(_newest(course["requests"]) is not None for course in courses.values()):
        return None
    table = make_table(page, "color", ">requests/s", ">errors", *(f">{name}" for name in TIMES))
    for color, course in courses.items():
        table.add_row(styled(color), _worded(rate_words, course["requests"]), _errors(course), *_times(course))
    return table


def _times(course: dict[str, Numbers]) -> Iterator[str]:
    for name in TIMES:
        yield _worded(duration, course[name])


def _newest(values: Numbers) -> float | None:
    return values[-1] if values else None


def _worded(words: Callable[[float], str], values: Numbers) -> str:
    value = _newest(values)
    return UNKNOWN if value is None else words(value)


def _errors(course: dict[str, Numbers]) -> Text:
    """The share of answers with 5xx of the last ten seconds."""
    pairs = list(zip(course["errors"][-LATELY:], course["requests"][-LATELY:], strict=True))
    errors = sum(failed for failed, asked in pairs if failed is not None and asked is not None)
    requests = sum(asked for failed, asked in pairs if failed is not None and asked is not None)
    if not requests:
        return Text(UNKNOWN)
    return Text(percent(errors / requests), style="yellow" if errors else "")


@dataclass(frozen=True, slots=True)
class Row:
    """One measure of both colors: its words of now, and its way here."""

    label: str
    words: dict[str, Text | str]
    ways: dict[str, Numbers]
    least: float = 0.0
    """What fills a sparkline at least."""


def live_rows(service: dict[str, Any], load: dict[str, Any] | None) -> list[Row]:
    """All measures, in the order in which they are looked at."""
    pools, courses = service["pools"], (load or {}).get("colors") or {color: {} for color in service["pools"]}

    def ways(name: str) -> dict[str, Numbers]:
        return {color: course.get(name, ()) for color, course in courses.items()}

    def words(name: str, in_words: Callable[[float], str]) -> dict[str, Text | str]:
        return {color: _worded(in_words, values) for color, values in ways(name).items()}

    flows = {color: str(pool["in_flight"]["requests"]) for color, pool in pools.items()}
    errors = {color: _errors(course) if course else UNKNOWN for color, course in courses.items()}
    shares: dict[str, Numbers] = {color: _shares(course) for color, course in courses.items()}
    rows = [
        Row("requests/s", words("requests", rate_words), ways("requests")),
        Row("errors", errors, shares, LEAST_ERRORS),
        *(Row(name, words(name, duration), ways(name)) for name in TIMES),
        Row("in flight", {**flows}, ways("in_flight")),
    ]
    lived = {color: str(pool["in_flight"]["tunnels"]) for color, pool in pools.items()}
    if any(pool["in_flight"]["tunnels"] for pool in pools.values()):
        rows.append(Row("long-lived", {**lived}, {}))
    return rows


def _shares(course: dict[str, Numbers]) -> list[float | None]:
    """The share of errors at each look."""
    if not course:
        return []
    pairs = zip(course["errors"], course["requests"], strict=True)
    return [failed / asked if failed is not None and asked else None for failed, asked in pairs]


def short_rows(rows: Sequence[Row]) -> list[Row]:
    """Those that are not left out on a small terminal."""
    return [row for row in rows if row.label in SHORT or row.label == "long-lived"]


def live_table(page: Page, rows: Sequence[Row], every: float, *, width: int) -> Table:
    """A measure a row, both colors beside each other, each with its way here on the same scale.

    ``every`` is the time between two looks in seconds, ``width`` the columns that there are.
    """
    colors = list(rows[0].words)
    room = max(0, (width - LABEL - 2 * (VALUE + 4)) // 2)
    points = min(room, max((len(values) for row in rows for values in row.ways.values()), default=0))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column(min_width=LABEL, no_wrap=True)
    for color in colors:
        span = f"the last {span_words(points * every)}" if points > len("the last 10 min") else ""
        table.add_column(styled(color), min_width=VALUE, justify="right", no_wrap=True)
        table.add_column(Text(span, "dim"), min_width=room, no_wrap=True)
    for row in rows:
        table.add_row(row.label, *_cells(page, row, colors, points))
    return table


def _cells(page: Page, row: Row, colors: Sequence[str], points: int) -> Iterator[Text | str]:
    known = [value for values in row.ways.values() for value in values[-points:] if value is not None]
    top = max(row.least, *known, 0.0)
    for color in colors:
        yield row.words[color]
        line = sparkline(row.ways.get(color, ()), top, width=points, fine=page.fine)
        yield Text(line, STYLES[color])
