"""What each color has had to do lately: half a minute, so that a plan can be held against it, and how it came to it."""

from __future__ import annotations

import asyncio
import logging
import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, islice, zip_longest
from typing import Final

from proxy.control.clock import Clock
from proxy.control.fleet import Fleet
from proxy.control.load_series import MOST_POINTS, Figures, Series, SeriesStore
from proxy.shm.names import BUCKETS
from proxy.shm.names import Series as Name
from proxy.traffic.spec import Color

logger = logging.getLogger(__name__)

EVERY: Final = 2.0
"""Seconds between two looks."""

_KEPT: Final = 16
"""Looks that are kept: about half a minute."""

_SMOOTH: Final = 5
"""Looks over which quantiles are taken, for a moment with few requests says little of them."""

Key = tuple[str, Color]


@dataclass(frozen=True, slots=True)
class Load:
    """What one color did in a stretch of time."""

    seconds: float
    admitted: int
    """Requests that it was given."""
    durations: tuple[int, ...] = ()
    """Requests that were answered, by the time that took: a count for each bucket, the last for what is beyond all."""

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.admitted / self.seconds if self.seconds > 0 else 0.0

    def quantile(self, share: float) -> float | None:
        """Seconds within which this share of the requests was answered; ``None`` where there were none.

        It is the bound of a bucket, and the largest bound where some took longer than any.
        """
        sums = list(accumulate(self.durations))
        if not sums or not sums[-1]:
            return None
        place = bisect_left(sums, share * sums[-1])
        return BUCKETS[min(place, len(BUCKETS) - 1)]


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    wall: float
    admitted: Mapping[Key, int]
    durations: Mapping[Key, tuple[int, ...]]
    errors: Mapping[Key, int]


class Loads:
    """Looks at the meters of all services now and then. A look reads a few numbers for each color, however many
    upstreams it has.
    """

    def __init__(self, fleet: Fleet, services: Callable[[], Iterable[str]], clock: Clock) -> None:
        """``services`` gives the names of those that there are."""
        self._fleet = fleet
        self._services = services
        self._clock = clock
        self._looks: deque[_Look] = deque(maxlen=_KEPT)
        self._series = SeriesStore()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look from now on."""
        self._task = asyncio.create_task(self._run(), name="load")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def look(self) -> None:
        """Note how things are."""
        keys = [(name, color) for name in self._services() for color in Color]
        totals = self._fleet.totals
        look = _Look(
            self._clock.monotonic(),
            self._clock.wall(),
            {key: totals.total(Name.ADMITTED, *key) for key in keys},
            {key: tuple(totals.values(Name.DURATION, *key)[: len(BUCKETS) + 1]) for key in keys},
            {key: totals.total(Name.ERRORS, *key) for key in keys},
        )
        self._looks.append(look)
        self._series.note(look.wall, {key: self._figures(key) for key in keys})

    def of(self, service: str, color: Color) -> Load | None:
        """What a color did from the oldest look that is kept to the newest; ``None`` where there are no two."""
        key = (service, color)
        known = [look for look in self._looks if key in look.admitted]
        return _between(key, known[0], known[-1]) if len(known) > 1 else None

    def series(self, service: str, points: int = MOST_POINTS) -> Series:
        """How the load of a service went, for up to ``points`` looks, a look every :data:`EVERY` seconds."""
        return self._series.of(service, points)

    def _figures(self, key: Key) -> Figures:
        """What a color did between the two newest looks."""
        in_flight = sum(self._fleet.totals.total(series, *key) for series in (Name.IN_FLIGHT, Name.TUNNELS))
        known = [look for look in islice(reversed(self._looks), _SMOOTH + 1) if key in look.admitted]
        if len(known) < 2:
            return Figures(in_flight=in_flight)
        last, before = known[0], known[1]
        seconds = max(last.at - before.at, 1e-3)
        answered = sum(last.durations[key]) - sum(before.durations[key])
        errors = last.errors[key] - before.errors[key]
        lately = _between(key, known[-1], last)
        p50, p95, p99 = (_or_unknown(lately.quantile(share)) for share in (0.5, 0.95, 0.99))
        return Figures(max(0, answered) / seconds, max(0, errors) / seconds, p50, p95, p99, in_flight)

    async def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception:
                logger.exception("the load could not be read")
            await asyncio.sleep(EVERY)


def _between(key: Key, first: _Look, last: _Look) -> Load:
    pairs = zip_longest(last.durations[key], first.durations[key], fillvalue=0)
    return Load(
        seconds=last.at - first.at,
        admitted=max(0, last.admitted[key] - first.admitted[key]),
        durations=tuple(max(0, after - before) for after, before in pairs),
    )


def _or_unknown(seconds: float | None) -> float:
    return math.nan if seconds is None else seconds
