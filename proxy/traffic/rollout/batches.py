"""Who goes out next, and how many may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from proxy.traffic.fitness import serves
from proxy.traffic.gates import Moment
from proxy.traffic.model import Service
from proxy.traffic.rollout.plan import Order
from proxy.traffic.rollout.rollout import Rollout, Turn
from proxy.traffic.rollout.stages import Course
from proxy.traffic.spec import AdminState, Color


def total(service: Service, color: Color) -> int:
    """The servers of a color that are meant to serve, whether a rollout keeps them out or not."""
    return sum(each.admin is AdminState.READY and each.weight > 0 for each in service.pool(color))


def available(service: Service, color: Color) -> int:
    """Those that do: in rotation and, as far as anybody knows, healthy."""
    return sum(serves(service, upstream) for upstream in service.pool(color))


def required(service: Service, rollout: Rollout) -> int:
    """So many have to be available at any time: as asked for, and one at least. A color without traffic needs none."""
    if rollout.forced or service.share(rollout.color) == 0:
        return 0
    return max(1, rollout.plan.min_available.at_least(total(service, rollout.color)))


def room(service: Service, rollout: Rollout) -> int:
    """So many of those that serve may be taken out now; below zero, some are lacking already."""
    return available(service, rollout.color) - required(service, rollout)


def cost(service: Service, color: Color, addresses: Iterable[str]) -> int:
    """So many of these serve now, and would be missing."""
    return len(_serving(service, color).intersection(addresses))


def next_batch(service: Service, rollout: Rollout, in_flight: Mapping[str, int]) -> tuple[str, ...]:
    """The servers to take out now, in order; none, if none are left or there is no room.

    Where there is room for fewer than asked for, the batch is smaller. One that does not serve anyway needs no room.

    Args:
        service: as it is now.
        rollout: between two batches.
        in_flight: requests on each server, by address; those that are missing have none.
    """
    return next(batches(service, rollout, in_flight), ())


def batches(service: Service, rollout: Rollout, in_flight: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """The next batch and those after it, if all else stays as it is now: each is back before the one after it goes."""
    serving, left = _serving(service, rollout.color), room(service, rollout)
    rest, size = _ordered(rollout, in_flight), batch_size(service, rollout)
    later = batch_size(service, replace(rollout, batch=rollout.batch + 1))
    while chosen := tuple(_chosen(rest, serving, left, size)):
        yield chosen
        gone, size = frozenset(chosen), later
        rest = [turn for turn in rest if turn.address not in gone]


def _chosen(turns: Sequence[Turn], serving: frozenset[str], left: int, size: int) -> Iterator[str]:
    """So many of them at most, of which no more than ``left`` serve."""
    for turn in turns:
        if size == 0:
            return
        needed = turn.address in serving
        if not needed or left > 0:
            yield turn.address
            left -= needed
            size -= 1


def _serving(service: Service, color: Color) -> frozenset[str]:
    return frozenset(each.address for each in service.pool(color) if serves(service, each))


def batch_size(service: Service, rollout: Rollout) -> int:
    """The servers of the next batch if there is room for all of them; at least one."""
    first = rollout.plan.first_batch if rollout.batch == 0 else None
    amount = first or rollout.plan.batch
    return max(1, amount.at_most(total(service, rollout.color)))


def batch_moments(service: Service, rollout: Rollout) -> tuple[Moment, ...]:
    """What the gates of the next batch are asked for. On the way back nobody is asked."""
    if rollout.course is not Course.ROLLING:
        return ()
    found = [Moment.BEFORE_INCREASE]
    if rollout.batch == 0:
        found.insert(0, Moment.BEFORE_START)
    if len(rollout.to_do) <= batch_size(service, rollout):
        found.append(Moment.BEFORE_PROMOTION)
    return tuple(found)


def _ordered(rollout: Rollout, in_flight: Mapping[str, int]) -> list[Turn]:
    turns = list(rollout.to_do)
    if rollout.course is Course.RESTORING:
        turns.reverse()
        return sorted(turns, key=lambda turn: -turn.batch)
    if rollout.plan.order is Order.LEAST_LOADED:
        return sorted(turns, key=lambda turn: in_flight.get(turn.address, 0))
    return turns
