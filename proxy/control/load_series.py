"""How the load of each color went in the last minutes, look by look: what charts are drawn from.

Only a few numbers of each look are kept, as plain floats, so that a thousand services cost some 15 MB.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from proxy.traffic.spec import Color

MOST_POINTS: Final = 300
"""Looks that are kept."""

_NOTHING: Final = math.nan


@dataclass(frozen=True, slots=True)
class Figures:
    """What one color did between two looks. Not a number: not known, for instance because no request came."""

    requests: float = _NOTHING
    """Answered, per second."""
    errors: float = _NOTHING
    """Of these with 5xx, per second."""
    p50: float = _NOTHING
    """Seconds within which half of the requests of the last looks were answered; the others likewise."""
    p95: float = _NOTHING
    p99: float = _NOTHING
    in_flight: float = _NOTHING
    """Requests and tunnels in flight at the later look."""

    def row(self) -> tuple[float, ...]:
        """The figures in the order of the fields."""
        return self.requests, self.errors, self.p50, self.p95, self.p99, self.in_flight


_WIDTH: Final = len(Figures().row())

UNKNOWN: Final = Figures()
"""Of a time in which nobody looked."""


@dataclass(frozen=True, slots=True)
class Series:
    """The last looks, the oldest first."""

    at: tuple[float, ...]
    """When, in Unix seconds."""
    colors: Mapping[Color, tuple[Figures, ...]]
    """As many of each color."""

    def latest(self, color: Color) -> Figures:
        """What a color did last."""
        return self.colors[color][-1] if self.at else UNKNOWN


class SeriesStore:
    """Keeps the figures of all services."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._at: deque[float] = deque(maxlen=MOST_POINTS)
        self._rows: dict[tuple[str, Color], array[float]] = {}

    def note(self, at: float, figures: Mapping[tuple[str, Color], Figures]) -> None:
        """Keep one look at everything that there is; whatever it does not name is forgotten."""
        self._at.append(at)
        for gone in self._rows.keys() - figures.keys():
            del self._rows[gone]
        for key, each in figures.items():
            rows = self._rows.setdefault(key, array("f"))
            rows.extend(each.row())
            if len(rows) >= 2 * MOST_POINTS * _WIDTH:  # seldom, for it moves everything that is kept
                del rows[: -MOST_POINTS * _WIDTH]

    def of(self, service: str, points: int = MOST_POINTS) -> Series:
        """The last ``points`` looks at a service; there may be fewer."""
        at = tuple(self._at)[-points:]
        return Series(at, {color: self._last((service, color), len(at)) for color in Color})

    def _last(self, key: tuple[str, Color], count: int) -> tuple[Figures, ...]:
        rows = self._rows.get(key, array("f"))
        known = min(count, len(rows) // _WIDTH)
        cells = rows[len(rows) - known * _WIDTH :]
        return (UNKNOWN,) * (count - known) + tuple(_figures(cells))


def _figures(cells: array[float]) -> Iterator[Figures]:
    """Rounded to where single precision ends, so that all who write them down come to the same digits."""
    for first in range(0, len(cells), _WIDTH):
        yield Figures(*(round(cell, 5) for cell in cells[first : first + _WIDTH]))
