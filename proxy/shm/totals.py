"""All workers' meters together, past and present."""

from __future__ import annotations

from typing import Final

from proxy.shm.exemplars import Exemplar
from proxy.shm.meters import MeterRegion
from proxy.shm.names import GAUGES, LATEST, Name, Series

WORKER_DIED: Final = "worker_died"
"""Why a request was dropped that was in flight in a worker when that died."""


class MeterTotals:
    """Sums over workers. Counters never fall, whatever worker dies; a gauge counts only workers that live."""

    __slots__ = ("_exemplars", "_kept", "_regions")

    def __init__(self) -> None:
        """No workers yet."""
        self._regions: list[MeterRegion] = []
        self._kept: dict[Name, tuple[int, ...]] = {}
        self._exemplars: dict[tuple[Name, int], Exemplar] = {}

    @property
    def regions(self) -> tuple[MeterRegion, ...]:
        """Those of the living workers."""
        return tuple(self._regions)

    def add(self, region: MeterRegion) -> None:
        """Count a worker's region from now on."""
        self._regions.append(region)

    def retire(self, region: MeterRegion) -> None:
        """Keep a worker's counters and exemplars, drop its gauges and close its region.

        What it had in flight is counted as dropped. Only once the worker is dead, for what it counted afterwards would
        be lost. Raises ``ValueError`` if the region is not among the living ones.
        """
        self._regions.remove(region)
        counted = region.read()
        _sum_into(self._kept, {name: values for name, values in counted.items() if name[0] not in GAUGES})
        _sum_into(self._kept, _left_in_flight(counted))
        self._exemplars = _newest(self._exemplars, region.exemplars())
        region.close()

    def total(self, *name: str) -> int:
        """The sum of the cells of that name; 0 if no worker ever used it."""
        return self.kept(*name) + sum(region.value(*name) for region in self._regions)

    def kept(self, *name: str) -> int:
        """The part of :meth:`total` that workers which are dead by now have counted."""
        return self._kept.get(name, (0,))[0]

    def values(self, *name: str) -> tuple[int, ...]:
        """The sums of the cells of the block of that name, one by one; ``()`` if no worker ever used it."""
        sums = self._kept.get(name, ())
        for region in self._regions:
            values = region.values(*name)
            sums = _together(name, sums, values) if sums and values else sums or values
        return sums

    def read(self) -> dict[Name, tuple[int, ...]]:
        """Every series with its sums, one for a cell and several for a block."""
        sums = dict(self._kept)
        for region in self._regions:
            _sum_into(sums, region.read())
        return sums

    def exemplars(self) -> dict[tuple[Name, int], Exemplar]:
        """Of each bucket of how long requests took the newest request that a worker has noted."""
        newest = self._exemplars
        for region in self._regions:
            newest = _newest(newest, region.exemplars())
        return newest


def _newest(
    known: dict[tuple[Name, int], Exemplar], others: dict[tuple[Name, int], Exemplar]
) -> dict[tuple[Name, int], Exemplar]:
    return {**known, **{key: each for key, each in others.items() if key not in known or each.at > known[key].at}}


def _left_in_flight(counted: dict[Name, tuple[int, ...]]) -> dict[Name, tuple[int, ...]]:
    """What died with a worker, as the counter of what was dropped."""
    lost: dict[Name, tuple[int, ...]] = {}
    for (series, *color), values in counted.items():
        if series in (Series.IN_FLIGHT, Series.TUNNELS) and values[0]:
            _sum_into(lost, {(Series.DROPPED, *color, WORKER_DIED): values})
    return lost


def _sum_into(sums: dict[Name, tuple[int, ...]], values: dict[Name, tuple[int, ...]]) -> None:
    """Add series by series, element by element; a block has the same size in every worker."""
    for name, cells in values.items():
        known = sums.get(name)
        if known is None:
            sums[name] = cells
        elif len(cells) == 1:  # thousands of upstreams have several of these each
            sums[name] = (known[0] + cells[0],)
        else:
            sums[name] = _together(name, known, cells)


def _together(name: Name, one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    if name[0] in LATEST:
        return tuple(map(max, zip(one, other, strict=True)))
    return tuple(a + b for a, b in zip(one, other, strict=True))
