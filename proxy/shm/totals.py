"""All workers' meters together, past and present."""

from __future__ import annotations

from proxy.shm.meters import MeterRegion
from proxy.shm.names import GAUGES, LATEST, Name


class MeterTotals:
    """Sums over workers. Counters never fall, whatever worker dies; a gauge counts only workers that live."""

    __slots__ = ("_kept", "_regions")

    def __init__(self) -> None:
        """No workers yet."""
        self._regions: list[MeterRegion] = []
        self._kept: dict[Name, tuple[int, ...]] = {}

    @property
    def regions(self) -> tuple[MeterRegion, ...]:
        """Those of the living workers."""
        return tuple(self._regions)

    def add(self, region: MeterRegion) -> None:
        """Count a worker's region from now on."""
        self._regions.append(region)

    def retire(self, region: MeterRegion) -> None:
        """Keep a worker's counters, drop its gauges and close its region.

        Only once the worker is dead, for what it counted afterwards would be lost. Raises ``ValueError`` if the region
        is not among the living ones.
        """
        self._regions.remove(region)
        _sum_into(self._kept, {name: values for name, values in region.read().items() if name[0] not in GAUGES})
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


def _sum_into(sums: dict[Name, tuple[int, ...]], values: dict[Name, tuple[int, ...]]) -> None:
    """Add series by series, element by element; a block has the same size in every worker."""
    for name, cells in values.items():
        known = sums.get(name)
        sums[name] = cells if known is None else _together(name, known, cells)


def _together(name: Name, one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    if name[0] in LATEST:
        return tuple(map(max, zip(one, other, strict=True)))
    return tuple(a + b for a, b in zip(one, other, strict=True))
