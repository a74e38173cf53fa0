"""What this front door must cost at most, and what is hoped for; as data, so that the report hides nothing."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.peers.figures import Derive, absolute, added, against_marks, against_own, middle
from benchmarks.peers.proxies import MARKS
from benchmarks.peers.trials import Sample


@dataclass(frozen=True, slots=True)
class Must:
    """A bound for the median of a figure."""

    what: str
    derive: Derive
    must: float
    goal: float
    unit: str = ""


MUSTS = (
    Must("small, keep-alive", against_marks("small", "us"), 1.25, 1.00),
    Must("connection per request", against_marks("close", "us"), 1.6, 1.2),
    Must("10 KiB", against_marks("10k", "us"), 1.25, 0.95),
    Must("1 MiB", against_marks("1m", "us"), 0.8, 0.6),
    Must("10 KiB POST", against_marks("post10k", "us"), 1.4, 1.1),
    Must("WebSocket echo, per message", against_marks("websocket", "us"), 1.2, 1.0),
    Must("p99 at half load", against_marks("latency", "p99"), 1.2, 1.0),
    Must("memory per idle keep-alive connection", absolute("idle", "kib"), 8, 3, " KiB"),
    Must("picking among 1,000 upstreams against 1", against_own("upstreams-1000", "upstreams-1", "us"), 1.05, 1.00),
    Must("JSON access log on, added", added("log-on", "log-off", "us"), 3, 1.5, " us"),
)


def table(samples: Sequence[Sample], ours: Sequence[str]) -> Iterator[str]:
    """Each bound beside the medians of our programs, and of the marks."""
    yield f"| scenario | must | goal | {' | '.join((*ours, *MARKS))} |"
    yield f"| --- | ---: | ---: |{' --- |' * len(ours)}{' ---: |' * len(MARKS)}"
    for must in MUSTS:
        cells = [_verdict(must, must.derive(samples, name)) for name in ours]
        cells += [middle(must.derive(samples, mark), ".2f") for mark in MARKS]
        yield f"| {must.what} | {must.must:g}{must.unit} | {must.goal:g}{must.unit} | {' | '.join(cells)} |"


def _verdict(must: Must, values: Sequence[float]) -> str:
    if not values:
        return "not measured"
    median = statistics.median(values)
    if median > must.must:
        return f"{median:.2f}{must.unit}: **not met**"
    return f"{median:.2f}{must.unit}: {'goal met' if median <= must.goal else 'met'}"
