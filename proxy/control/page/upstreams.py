"""The upstreams of a pool as rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from proxy.control.page.paging import ROWS, Slice, sliced
from proxy.traffic.model import Health, Upstream
from proxy.traffic.rollout.stages import Stage
from proxy.traffic.spec import AdminState

Flow = Callable[[str], tuple[int, int]]
"""Gives requests and tunnels in flight at an address."""


@dataclass(frozen=True, slots=True)
class Row:
    """One upstream."""

    address: str
    health: str
    """unknown, healthy, unhealthy or ejected."""
    look: str
    weight: int
    notes: tuple[str, ...]
    """What an operator or a rolling deployment does with it."""
    ramp: int | None
    """Percent of its weight, while that grows."""
    requests: int
    tunnels: int


def pool_rows(
    pool: Sequence[Upstream],
    flow: Flow,
    stages: Mapping[str, Stage],
    page: int,
    at: Callable[[int], str],
    find: str = "",
) -> Slice[Row]:
    """One page of a pool's upstreams: in the operator's order, but where they fill several pages, the sick ones first.

    Args:
        pool: all of them.
        flow: what is in flight on one.
        stages: how far a rolling deployment is with some of them, by address.
        page: which page.
        at: gives the address of a page.
        find: only those whose address has this in it.
    """
    found = [upstream for upstream in pool if find in upstream.address] if find else pool
    if len(found) > ROWS:
        found = sorted(found, key=_is_well)
    slice_ = sliced(found, page, at)
    rows = [_row(each, flow(each.address), stages.get(each.address)) for each in slice_.rows]
    return Slice(rows, slice_.page, slice_.pages, slice_.first, slice_.total, slice_.previous, slice_.next)


def _is_well(upstream: Upstream) -> bool:
    return not upstream.ejected and upstream.health is not Health.UNHEALTHY


def _row(upstream: Upstream, flow: tuple[int, int], stage: Stage | None) -> Row:
    health = "ejected" if upstream.ejected else upstream.health.value
    notes = [] if upstream.admin is AdminState.READY else [upstream.admin.value]
    if stage not in (None, Stage.SERVING, Stage.DONE):  # these serve as ever
        notes.append(stage.value)
    if upstream.cordoned:
        notes.append("out of rotation")
    growing = upstream.ramp < 1 and not upstream.cordoned
    return Row(
        address=upstream.address,
        health=health,
        look={"healthy": "good", "unknown": "waiting"}.get(health, "bad"),
        weight=upstream.weight,
        notes=tuple(notes),
        ramp=round(100 * upstream.ramp) if growing else None,
        requests=flow[0],
        tunnels=flow[1],
    )
