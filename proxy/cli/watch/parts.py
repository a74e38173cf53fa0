"""The parts of a live picture. Each is given the lines that there are for it, and does with fewer if it must."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from proxy.cli.context import Common
from proxy.cli.drawing import bar, split_bar
from proxy.cli.receipt import headline
from proxy.cli.service_words import detail_lines, held_lines, operation_line, title_line, warm_line
from proxy.cli.terminal import STYLES, Page, styled
from proxy.cli.watch.looking import Look
from proxy.wording import rollouts, shifts
from proxy.wording.changes import entry_words
from proxy.wording.numbers import counted
from proxy.wording.receipts import loss_words
from proxy.wording.rollouts import stage_words

PERCENT = len("100.00 % ")

TROUBLE = {"unhealthy": 0, "ejected": 0, "unknown": 2}
"""Who is shown first: the lower, the earlier."""

CALM = 9

AIR = 2
"""Columns between what stands at the left of a line and at its right."""

ROOMY = 80
"""Columns from which on tables need not be narrow."""


def head(page: Page, service: dict[str, Any], width: int) -> Iterator[Text]:
    """Who serves what."""
    title, facts = title_line(service), _facts(service)
    room = width - title.cell_len - facts.cell_len
    if room >= AIR:
        yield title.append(" " * room).append_text(facts)
    else:
        yield title
        if service["workers"]["applied"] < service["workers"]["total"]:
            yield facts
    yield _split(page, service["split"], width)
    yield from held_lines(service)


def _facts(service: dict[str, Any]) -> Text:
    workers = service["workers"]
    facts = Text(f"revision {service['revision']}, generation {service['generation']}, ", "dim")
    applied = f"{workers['applied']} of {counted(workers['total'], 'worker')}"
    return facts.append(applied, "" if workers["applied"] == workers["total"] else "not dim yellow")


def _split(page: Page, split: dict[str, float], width: int) -> Text:
    """One bar for both, each color at its end with its name and share."""
    left = Text.assemble(styled("blue"), f" {split['blue']:.2f} % ")
    right = Text.assemble(f" {split['green']:.2f} % ", styled("green"))
    room = max(4, width - len("blue ") - len("green ") - 2 * PERCENT)
    left.pad_right(len("blue ") + PERCENT - left.cell_len)
    right.pad_left(len("green ") + PERCENT - right.cell_len)
    return Text.assemble(left, split_bar(split["blue"] / 100, width=room, fine=page.fine), right)


def doings(common: Common, page: Page, look: Look, service: dict[str, Any], width: int) -> Iterator[Text]:
    """What runs, how far it is and what it waits for; else how the last operation went."""
    now, last = look.now(), look.last
    running = service["operation"] or (last if last and not last["ended_at"] else None)
    if running:
        yield operation_line(running, now)
        yield from _progress(page, running, width)
        yield from detail_lines(common, running)
    elif last:
        yield headline(last).append(f"; {loss_words(last)[0]}: `{common.command('receipts')}`")
    if service.get("warm"):
        yield warm_line(common, service["warm"], now)


def _progress(page: Page, operation: dict[str, Any], width: int) -> Iterator[Text]:
    """A bar of how far it is: by its share, its servers, or what has drained."""
    done, words, color = _far(operation)
    if done is not None:
        room = max(4, width - len(words) - 2)
        yield bar(done, width=room, style=STYLES[color], fine=page.fine).append(f"  {words}")


def _far(operation: dict[str, Any]) -> tuple[float | None, str, str]:
    if shifts.is_moving(operation):
        shift = operation["shift"]
        begin = operation["before"][shift["to"]]
        way = shift["target"] - begin
        return (shift["percent"] - begin) / way if way else 1.0, _steps(shift), shift["to"]
    if rollouts.is_rolling(operation):
        rollout = operation["rollout"]
        done, servers = sum(server["stage"] == "done" for server in rollout["servers"]), len(rollout["servers"])
        return done / servers if servers else 1.0, f"{done} of {servers} done", rollout["color"]
    progress, began = operation["progress"], (operation["receipt"] or {}).get("in_flight_at_flip")
    if progress["phase"] != "draining" or not began:
        return None, "", ""
    over = began - progress["in_flight"] - progress["tunnels"]
    return over / began, f"{over} of {began} over", operation["leaving"][0]["color"] if operation["leaving"] else "blue"


AROUND = 3
"""So many steps before and after the one that is under way are told."""


def _steps(shift: dict[str, Any]) -> str:
    """``1 > [5] > 25 > 50 %``: the steps around the one that is under way."""
    here, steps = shift["step"] - 1, [f"{step['percent']:g}" for step in shift["steps"]]
    if here < len(steps):
        steps[here] = f"[{steps[here]}]"
    first, end = max(0, here - AROUND), here + AROUND + 1
    before, after = ["..."] if first else [], ["..."] if end < len(steps) else []
    return " > ".join([*before, *steps[first:end], *after]) + " %"


def upstreams(service: dict[str, Any], room: int, width: int) -> Iterator[RenderableType]:
    """As many as fit, the troubled ones first; how many more there are, and how these do."""
    every = [(color, each) for color, pool in service["pools"].items() for each in pool["upstreams"]]
    if room < 2:
        yield Text(f"{counted(len(every), 'upstream')}: {_healths(every)}")
        return
    ranked = sorted(every, key=lambda pair: _rank(pair[1]))
    fits = len(every) <= room - 1
    shown, others = (ranked, []) if fits else (ranked[: room - 2], ranked[room - 2 :])
    yield _upstream_table(shown, width)
    if others:
        yield Text(f"and {len(others):,} more: {_healths(others)}", "dim")


def _upstream_table(shown: Sequence[tuple[str, dict[str, Any]]], width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2 if width >= ROOMY else 1, 0, 0), header_style="dim")
    table.add_column("color", no_wrap=True)
    table.add_column("upstream")  # gives way where it is too narrow
    for heading in ("health", ">weight", ">in flight", "also"):
        table.add_column(heading.lstrip(">"), justify="right" if heading.startswith(">") else "left", no_wrap=True)
    for color, each in shown:
        address = Text(each["address"], no_wrap=True, overflow="ellipsis")
        also = each["admin"] if each["admin"] != "ready" else stage_words(each)
        numbers = str(each["weight"]), str(each["in_flight"])
        table.add_row(styled(color), address, styled(each["health"]), *numbers, styled(also))
    return table


def _rank(upstream: dict[str, Any]) -> int:
    """The lower, the more it is worth a look."""
    if upstream["admin"] == "maint":
        return 3
    stage = upstream.get("stage")
    if stage in rollouts.UNDER_WAY or stage == "failed":
        return 1
    return TROUBLE.get(upstream["health"], 3 if upstream["admin"] != "ready" else CALM)


def _healths(pairs: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """``3 unhealthy, 985 healthy``."""
    counts = Counter(str(each["health"]) for _, each in pairs)
    if len(counts) == 1:
        return f"all {next(iter(counts))}"
    return ", ".join(f"{counts[health]:,} {health}" for health in sorted(counts, key=lambda each: TROUBLE.get(each, 9)))


def history(entries: Sequence[dict[str, Any]], room: int) -> Iterator[Text]:
    """The newest entries, newest last, a line each."""
    rows = [tuple(_entry(entry)) for entry in reversed(entries[: max(room, 0)])]
    widths = [max(len(row[column]) for row in rows) for column in range(3)] if rows else []
    for row in rows:
        cells = "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=False))
        yield Text(cells + row[-1], "dim", no_wrap=True, overflow="ellipsis")


def _entry(entry: dict[str, Any]) -> Iterator[str]:
    """When, who, what, and what of it."""
    yield datetime.fromtimestamp(entry["at"], UTC).astimezone().strftime("%H:%M:%S")
    yield entry["by"]
    yield entry["action"]
    reason = f"({entry['reason']})" if entry["reason"] else ""
    yield f"{entry_words(entry)} {reason}".strip().replace("\n", " ")
