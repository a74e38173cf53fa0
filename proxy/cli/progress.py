"""Live progress of an operation: a bar on a terminal, a line for each step anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from proxy.cli.context import Common
from proxy.cli.messages import say
from proxy.cli.rollout_table import headline, live_table
from proxy.cli.rollout_words import ways_on
from proxy.cli.shift_words import way_on
from proxy.cli.terminal import Page
from proxy.wording import rollouts, shifts
from proxy.wording.numbers import left_words

Update = Callable[[dict[str, Any]], None]


@contextmanager
def live_progress(common: Common, kind: str = "") -> Iterator[Update]:
    """Gives a function that is to be called with the operation, of some kind, each time that it was looked at."""
    page = Page(stderr=True)
    if common.as_json:
        yield lambda operation: None
    elif page.lively and kind == "roll":
        with live_table(common, page) as update:
            yield update
    elif page.lively:
        with _bar(common, page) as update:
            yield update
    else:
        yield _lines(common)


@contextmanager
def _bar(common: Common, page: Page) -> Iterator[Update]:
    words = TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold"))
    columns = (SpinnerColumn("dots" if page.fine else "line"), words, BarColumn(16), TimeElapsedColumn())
    with Progress(*columns, console=page, transient=True) as progress:
        task = progress.add_task("", total=None)

        def update(operation: dict[str, Any]) -> None:
            total, completed = _moved(operation) if shifts.is_moving(operation) else _drained(operation)
            progress.update(task, description=_headline(common, operation), total=total, completed=completed)

        yield update


def _lines(common: Common) -> Update:
    """A line whenever it has come to another step or stage, waits or goes on, or the judge thinks otherwise."""
    told: tuple[object, ...] = ()

    def update(operation: dict[str, Any]) -> None:
        nonlocal told
        now, words = _standing(operation), _shift_lines
        if rollouts.is_rolling(operation):
            words = _rollout_lines
        if now and now != told:
            told = now
            say("; ".join(words(common, operation)))

    return update


def _standing(operation: dict[str, Any]) -> tuple[object, ...]:
    """What is told anew when it changes; nothing of what is neither a shift nor a roll, or is nearly over."""
    if shifts.is_moving(operation):
        shift = operation["shift"]
        return shift["step"], shift["hindrance"], (shift["judge"] or {}).get("finding")
    if rollouts.is_rolling(operation):
        rollout, stages = operation["rollout"], [server["stage"] for server in operation["rollout"]["servers"]]
        finding = (rollout["judge"] or {}).get("finding")
        return rollout["course"], rollout["batch"], rollout["hindrance"], finding, *stages
    return ()


def _headline(common: Common, operation: dict[str, Any]) -> str:
    if shifts.is_moving(operation):
        return "\n".join(_shift_lines(common, operation))
    progress = operation["progress"]
    text = f"{operation['kind']} {operation['id']}"
    if progress["phase"] == "applying":
        return f"{text}: seen by {progress['seen_by']} of {progress['workers']} workers"
    return f"{text}: {left_words(progress, time.time())}"


def _shift_lines(common: Common, operation: dict[str, Any]) -> list[str]:
    shift = operation["shift"]
    place = f"shift {operation['id']}: {shifts.place_words(shift)}, {shifts.left_words(shift)}"
    go_on = way_on(common, shift)
    return [place, *shifts.detail_words(shift), *([go_on] if go_on else [])]


def _rollout_lines(common: Common, operation: dict[str, Any]) -> list[str]:
    rollout = operation["rollout"]
    return [headline(operation), *rollouts.detail_words(rollout), *ways_on(common, rollout)]


def _moved(operation: dict[str, Any]) -> tuple[float, float]:
    """How much traffic a shift moves, and how much of it has moved, in points."""
    shift = operation["shift"]
    begin = operation["before"][shift["to"]]
    return shift["target"] - begin, shift["percent"] - begin


def _drained(operation: dict[str, Any]) -> tuple[int | None, int]:
    """How much was in flight, and how much of it is over."""
    progress, began = operation["progress"], (operation["receipt"] or {}).get("in_flight_at_flip", 0)
    if progress["phase"] == "applying" or not began:
        return None, 0
    return began, began - progress["in_flight"] - progress["tunnels"]
