"""Numbers of each color side by side, in the words of the page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from proxy.control.load_series import Figures
from proxy.traffic.fitness import can_serve, serves
from proxy.traffic.judge.words import duration, percent
from proxy.traffic.model import FULL_SPLIT, Service
from proxy.traffic.spec import Color
from proxy.wording import numbers

UNKNOWN = "\u2013"
"""A dash: nothing is known, for instance because no request came."""


@dataclass(frozen=True, slots=True)
class Column:
    """One color: its share, and how it is doing."""

    color: str
    share: float
    """Percent."""
    live: bool
    rate: str
    errors: str
    p50: str
    p95: str
    p99: str
    requests: int
    tunnels: int
    serving: int
    """Upstreams that are wanted and healthy."""
    total: int
    trouble: str | None
    """In words, what is wrong with its upstreams."""
    failing: bool
    """Whether it answers with errors now."""


def column(service: Service, color: Color, figures: Figures, flow: tuple[int, int]) -> Column:
    """The numbers of one color. ``flow`` is its requests and tunnels in flight."""
    pool = service.pool(color)
    return Column(
        color=color.value,
        share=service.share(color) / 100,
        live=service.live is color,
        rate=rate_words(figures.requests),
        errors=share_words(figures.errors, figures.requests),
        p50=time_words(figures.p50),
        p95=time_words(figures.p95),
        p99=time_words(figures.p99),
        requests=flow[0],
        tunnels=flow[1],
        serving=sum(serves(service, upstream) for upstream in pool),
        total=len(pool),
        trouble=_trouble(service, color),
        failing=figures.errors > 0,
    )


def _trouble(service: Service, color: Color) -> str | None:
    if can_serve(service, color):
        return None
    name = color.value.capitalize()
    if not service.pool(color):
        return f"{name} has no upstreams."
    if service.share(color) == 0:
        return f"{name} has no healthy upstream: it cannot take traffic."
    whom = "all traffic" if service.share(color) == FULL_SPLIT else "traffic"
    return f"{name} has {whom} and no healthy upstream: requests are tried all the same."


def rate_words(per_second: float) -> str:
    """Requests a second."""
    if math.isnan(per_second):
        return UNKNOWN
    return numbers.rate_words(per_second)


def share_words(errors: float, requests: float) -> str:
    """What share of the requests were errors."""
    if math.isnan(errors) or math.isnan(requests) or requests <= 0:
        return UNKNOWN
    return percent(errors / requests)


def time_words(seconds: float) -> str:
    """How long something took."""
    if math.isnan(seconds):
        return UNKNOWN
    return duration(seconds)
