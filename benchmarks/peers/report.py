"""The results as Markdown: one table for each group of scenarios, and the bounds at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.peers import musts, scenarios
from benchmarks.peers.figures import Derive, absolute, added, against_marks, against_own, middle, proxies_of, summary
from benchmarks.peers.trials import Sample


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and how its values come from the samples of a scenario."""

    heading: str
    derive: Callable[[str], Derive]
    form: str
    whole: bool = False
    """With the least and the most, not with the median alone."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some scenarios that have the same columns."""

    title: str
    text: str
    names: Sequence[str]
    columns: Sequence[Column]


def _plain(heading: str, figure: str, form: str) -> Column:
    return Column(heading, lambda scenario: absolute(scenario, figure), form)


MICROSECONDS = _plain("CPU us", "us", ".1f")
RATIO = Column("ratio to the cheaper mark", lambda scenario: against_marks(scenario, "us"), ".2f", whole=True)
RATE = _plain("requests/s", "rate", ",.0f")
CORE = _plain("of a core", "busy", ".0%")
MEMORY = _plain("MiB", "mib", ".0f")

GROUPS = (
    Group(
        "Requests",
        "Of each request, or message. Where a core is not all used, the load or the application was what is slow.",
        tuple(scenarios.REQUESTS),
        (MICROSECONDS, RATIO, RATE, CORE, MEMORY),
    ),
    Group(
        "Latency",
        "Microseconds of the small request at a fixed rate, half of what the slowest can do, from when it was due.",
        ("latency",),
        (
            _plain("requests/s", "rate", ",.0f"),
            _plain("p50", "p50", ".0f"),
            _plain("p99", "p99", ".0f"),
            _plain("p99.9", "p99.9", ".0f"),
            Column("p99, ratio to the better mark", lambda name: against_marks(name, "p99"), ".2f", whole=True),
        ),
    ),
    Group(
        "Access log",
        "The small request with a line for each (ours JSON, the others' as they come) and without.",
        ("log-off", "log-on"),
        (MICROSECONDS, RATIO, Column("added us", lambda name: added(name, "log-off", "us"), ".1f", whole=True)),
    ),
    Group(
        "Upstreams",
        "The small request, with so many upstreams. Health checks run once a minute here, and are part of the\n"
        "figures; what they take by themselves is in the table below.",
        tuple(f"upstreams-{count}" for count in scenarios.UPSTREAMS),
        (
            MICROSECONDS,
            RATIO,
            Column("ratio to one upstream", lambda name: against_own(name, "upstreams-1", "us"), ".2f", whole=True),
            MEMORY,
        ),
    ),
    Group(
        "When nobody asks",
        "CPU milliseconds a second.",
        tuple(f"unasked-{count}" for count in scenarios.UPSTREAMS),
        (_plain("ms/s", "ms_a_second", ".2f"),),
    ),
    Group(
        "Workers",
        "The small request with one worker and with two. Only with four cores or more have two workers cores of their\n"
        "own: with two they share these with the load and the application, and what can be compared is requests for\n"
        "each second of CPU. `most` is the share of the connections that the busiest worker has (threads: unknown).",
        tuple(f"workers-{count}" for count in scenarios.WORKERS),
        (
            RATE,
            Column("ratio to one worker", lambda name: against_own(name, "workers-1", "rate"), ".2f", whole=True),
            _plain("requests per CPU second", "each_cpu_second", ",.0f"),
            _plain("cores used", "busy", ".2f"),
            _plain("most", "most", ".0%"),
        ),
    ),
    Group(
        "Idle connections",
        "5,000 connections that made one request each: memory (PSS of all processes) before and with them. What the\n"
        "kernel keeps for each is the same for all, and not in it.",
        ("idle",),
        (
            _plain("MiB before", "before", ".1f"),
            _plain("MiB with them", "after", ".1f"),
            Column("KiB each", lambda name: absolute(name, "kib"), ".2f", whole=True),
        ),
    ),
)


def markdown(samples: Sequence[Sample], ours: Sequence[str], about: Mapping[str, Any]) -> Iterator[str]:
    """The whole report, opened by what is known about how it came to be."""
    yield from ("# This front door and others, side by side", "")
    yield f"{about['rounds']} interleaved rounds of {about['seconds']:g} seconds, {about['date']}, {about['machine']}."
    yield "Medians, and where there are brackets the least and the most of all rounds. The marks are nginx and HAProxy;"
    yield "a ratio is to the cheaper one of the same round."
    yield f"Before the start {about['busy_before']:.0%} of the cores' time went to other things."
    yield ""
    yield from (f"- {name}: {python}" for name, python in about["pythons"].items())
    yield f"- {', '.join(f'{name} {version}' for name, version in about['versions'].items())}"
    for group in GROUPS:
        rows = list(_rows(group, samples))
        if rows:
            yield from ("", f"## {group.title}", "", group.text, "")
            yield f"| scenario | proxy | {' | '.join(column.heading for column in group.columns)} |"
            yield f"| --- | --- |{' ---: |' * len(group.columns)}"
            yield from rows
    yield from (
        "",
        "## What it must cost at most",
        "",
        "Medians; the marks' beside them, for they tell what is possible.",
        "",
    )
    yield from musts.table(samples, ours)


def _rows(group: Group, samples: Sequence[Sample]) -> Iterator[str]:
    for name in group.names:
        for proxy in proxies_of(samples, name):
            cells = (
                (summary if column.whole else middle)(column.derive(name)(samples, proxy), column.form)
                for column in group.columns
            )
            yield f"| {name} | {proxy} | {' | '.join(cells)} |"
