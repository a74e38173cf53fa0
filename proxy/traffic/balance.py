"""Who of a pool is next, in a time that does not grow with the pool.

Upstreams of equal weight form one class and are served in a circle. A class of m members of weight w has m * w picks in
each cycle, and its k-th is due at (k + 1/2) / (m * w) of the cycle; the class whose pick is due first is served
(earliest deadline first, which here is the method of Webster and Sainte-Laguë for dealing out seats). Hence:

- Over a cycle, which is as many picks as the weights add up to, each upstream is picked exactly as often as its weight
  says, wherever the cycle is taken to begin.
- A run of the same upstream is no longer than its weight over the picks of the busiest other class, rounded up; members
  of one class never follow themselves.
- A pick costs a look at a heap of classes. There are at most as many as there are weights, whatever the pool's size; a
  pool of equal weights has one and needs no heap.
- Deadlines come from the whole number k and begin anew each cycle, so no error can add up.

An empty pool has no picker: :func:`make_picker` answers ``None``, the classes refuse it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from heapq import heapify, heappop, heapreplace
from itertools import chain, cycle, islice
from typing import Final, Generic, Protocol, TypeVar

from proxy.traffic.spec import Balance

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Loaded(Protocol):
    """Something that knows how many requests it is serving."""

    @property
    def in_flight(self) -> int:
        """Requests that have been given to it and have not ended."""


LoadedT = TypeVar("LoadedT", bound=Loaded)


class Picker(Protocol[T_co]):
    """Picks from a pool that is never empty and never changes."""

    def pick(self) -> T_co:
        """The one that the next request goes to."""

    def pick_other(self, tried: Container[object]) -> T_co | None:
        """One that is not among ``tried``, for a retry; ``None`` when all are."""


class RoundRobin(Generic[T]):
    """Everyone in turn, as often as their weights say, and as evenly spread as they allow."""

    __slots__ = ("_others", "_picks")

    def __init__(self, items: Sequence[tuple[T, int]], offset: int = 0) -> None:
        """``items`` are upstreams with their weights, at least 1; a different ``offset`` starts at a different place.

        Workers take different offsets, lest they all begin with the same upstream after each change of the table.
        Raises ValueError when there are no items or a weight is below 1.
        """
        self._picks = weighted_cycle(items, offset)
        self._others = _Others(items, offset)

    def pick(self) -> T:
        """The next in turn."""
        return next(self._picks)

    def pick_other(self, tried: Container[object]) -> T | None:
        """One that is not among ``tried``, by weight; ``None`` when all are. Leaves the turns of :meth:`pick` alone."""
        return self._others.pick(tried)


class LeastRequests(Generic[LoadedT]):
    """The less loaded of two candidates, both proposed by weight.

    To look at all upstreams would cost more the more there are. Two candidates suffice: choosing between two random
    ones shortens the wait exponentially against taking one, and a third gains only a constant factor more
    (M. Mitzenmacher, The Power of Two Choices in Randomized Load Balancing, IEEE TPDS 12(10), 2001). So a pick is two
    steps of a round robin and one comparison, whatever the pool's size.

    In place of chance, the second candidate runs a number of turns ahead of the first, and that number grows by one
    each cycle: everyone is compared with everyone. (Drawn two by two from one round robin over an even number, the
    candidates would form the same pairs for ever, and two slow ones that were a pair would keep their share.) An idle
    first candidate is taken as it is, so that a quiet pool is plain round robin, by weight.
    """

    __slots__ = ("_firsts", "_others", "_seconds")

    def __init__(self, items: Sequence[tuple[LoadedT, int]], offset: int = 0) -> None:
        """Takes the same as :class:`RoundRobin` and raises the same."""
        weighed = [((item, weight), weight) for item, weight in items]
        total = sum(weight for _, weight in items)
        self._firsts = weighted_cycle(weighed, offset)
        self._seconds = _running_ahead(weighted_cycle(weighed, offset), total)
        self._others = _Others(items, offset)

    def pick(self) -> LoadedT:
        """The candidate that would have fewer requests for its weight after this one."""
        first, first_weight = next(self._firsts)
        second, second_weight = next(self._seconds)
        load = first.in_flight
        if load and (second.in_flight + 1) * first_weight < (load + 1) * second_weight:
            return second
        return first

    def pick_other(self, tried: Container[object]) -> LoadedT | None:
        """One that is not among ``tried``, by weight; ``None`` when all are. Leaves the turns of :meth:`pick` alone."""
        return self._others.pick(tried)


def make_picker(balance: Balance, items: Sequence[tuple[LoadedT, int]], offset: int = 0) -> Picker[LoadedT] | None:
    """The picker that the operator asked for; ``None`` for an empty pool. Arguments as for :class:`RoundRobin`."""
    if not items:
        return None
    if balance is Balance.LEAST_REQUESTS and len(items) > 1:
        return LeastRequests(items, offset)
    return RoundRobin(items, offset)


class _Others(Generic[T]):
    """Picks for retries.

    They have turns of their own. Taken from the common ones, with two upstreams of which one is dead, each retry would
    use up the living one's turn, and every request would begin with the dead one.
    """

    __slots__ = ("_by_weight", "_circle", "_count")

    def __init__(self, items: Sequence[tuple[T, int]], offset: int) -> None:
        self._count = len(items)
        self._by_weight = weighted_cycle(items, offset + 1)
        self._circle = cycle([item for item, _ in items])

    def pick(self, tried: Container[object]) -> T | None:
        # By weight as long as that leads somewhere; a heavy one that was tried may fill all of these turns, and
        # then once round the circle finds the rest.
        for item in chain(islice(self._by_weight, self._count), islice(self._circle, self._count)):
            if item not in tried:
                return item
        return None


def weighted_cycle(items: Sequence[tuple[T, int]], offset: int = 0) -> Iterator[T]:
    """The items again and again, each as often in a cycle as its weight says, evenly spread; it never ends.

    Raises ValueError when there are no items or a weight is below 1.
    """
    if not items or min(weight for _, weight in items) < 1:
        raise ValueError("a pool is picked from only when it has upstreams, each with a weight of at least 1")
    classes: dict[int, list[T]] = {}
    for item, weight in items:
        classes.setdefault(weight, []).append(item)
    circles = [(len(members) * weight, _circle(members, offset)) for weight, members in classes.items()]
    return circles[0][1] if len(circles) == 1 else _interleave(circles, offset)


def _circle(members: list[T], offset: int) -> Iterator[T]:
    start = offset % len(members)
    return cycle(members[start:] + members[:start])


def _interleave(circles: Sequence[tuple[int, Iterator[T]]], offset: int) -> Iterator[T]:
    """Serves the class that is due first; each comes with its number of picks in a cycle."""
    start = offset * _GOLDEN % _CYCLE
    while True:
        begun = [(_due_before(start, share), rank, share, circle) for rank, (share, circle) in enumerate(circles)]
        heap = [((k + 0.5) / share, rank, k, share, circle) for k, rank, share, circle in begun if k < share]
        heapify(heap)
        while heap:
            _, rank, k, share, circle = heap[0]
            k += 1
            # Who has had all its picks leaves; when all have left, the next cycle begins from zero.
            if k < share:
                heapreplace(heap, ((k + 0.5) / share, rank, k, share, circle))
            else:
                heappop(heap)
            yield next(circle)
        start = 0


_CYCLE: Final = 1 << 64
"""A cycle in the units in which its start is counted. Whole numbers, so that all classes agree on what is past."""

_GOLDEN: Final = 0x9E3779B97F4A7C15
"""The golden section of a cycle: its multiples 0, 1, 2, ... lie far apart, however many workers there are."""


def _due_before(start: int, share: int) -> int:
    """How many picks of a class with ``share`` of them in a cycle are due before ``start``."""
    return (2 * start * share + _CYCLE - 1) // (2 * _CYCLE)


def _running_ahead(turns: Iterator[T], total: int) -> Iterator[T]:
    """The same turns, ahead by 1 for a cycle of ``total`` turns, then by 2, and so on; never by a whole cycle."""
    while True:
        next(turns)
        for _ in range(max(total - 1, 1)):
            yield from islice(turns, total)
            next(turns)
