"""The one step in which a request is given its color and its upstream and is counted as in flight.

There is no ``await`` in it. So a request that is on an old color was counted there before its worker showed that it had
seen the table without that color, and "drained" cannot be claimed too early.
"""

from __future__ import annotations

from proxy.dataplane.accounting import Aside
from proxy.dataplane.audience import Choice
from proxy.dataplane.routing import LivePool, LiveService, LiveUpstream
from proxy.shm.names import Outcome


class Lease:
    """A request's place on one upstream. It is closed exactly once, with its outcome."""

    __slots__ = ("_long_lived", "_open", "aside", "cohort", "generation", "operation", "pool", "service", "upstream")

    def __init__(self, service: LiveService, pool: LivePool, upstream: LiveUpstream, generation: int) -> None:
        self.service = service
        self.pool = pool
        self.upstream = upstream
        self.generation = generation
        self.operation = service.spec.operation
        """What moved the service's traffic when it came."""
        self.aside: Aside | None = None
        """Where it is counted by itself as well, if it is."""
        self.cohort = upstream.cohort
        """Where it is counted with others of its upstream's cohort, as it was when it came there."""
        self._open = True
        self._long_lived = False
        meters = pool.meters
        meters.cells[meters.admitted] += 1
        meters.cells[meters.in_flight] += 1
        meters.cells[upstream.meters.in_flight] += 1
        upstream.in_flight += 1

    @property
    def long_lived(self) -> bool:
        """Whether it is counted as a tunnel."""
        return self._long_lived

    def move(self, upstream: LiveUpstream) -> None:
        """Try another upstream of the same color."""
        self._leave_upstream()
        self.upstream = upstream
        upstream.in_flight += 1
        upstream.meters.cells[upstream.meters.in_flight] += 1
        if self.cohort is not None:  # a tester has none
            self.cohort = upstream.cohort

    def lengthen(self) -> None:
        """Count it as a tunnel from here on: it may last for as long as it likes."""
        if self._long_lived:
            return
        meters = self.pool.meters
        meters.cells[meters.tunnels] += 1  # first the new place, then the old: it is never in neither
        meters.cells[meters.in_flight] -= 1
        meters.cells[self.upstream.meters.tunnels] += 1
        self._long_lived = True

    def close(self, outcome: Outcome) -> bool:
        """Give the place back. Only the first call counts, and says so."""
        if not self._open:
            return False
        self._open = False
        meters = self.pool.meters
        meters.cells[meters.ended[outcome]] += 1
        if self._long_lived:
            meters.cells[meters.tunnels] -= 1
            meters.cells[self.upstream.meters.tunnels] -= 1
        else:
            meters.cells[meters.in_flight] -= 1
        self._leave_upstream()
        return True

    def _leave_upstream(self) -> None:
        upstream = self.upstream
        upstream.in_flight -= 1
        upstream.meters.cells[upstream.meters.in_flight] -= 1


def admit(service: LiveService, generation: int, choice: Choice | None = None) -> Lease | None:
    """Choose color and upstream for one request and count it in; ``None`` where the color has no upstream to offer.

    ``choice`` is what the service's audience has said; without one the split alone decides.
    """
    pool = service.pools[service.splitter.next(service.spec.split) if choice is None else choice.color]
    if pool.picker is None:
        return None
    service.budget.deposit()
    lease = Lease(service, pool, pool.picker.pick(), generation)
    if choice is not None:
        lease.aside = choice.aside
        if choice.preview:
            lease.cohort = None
    return lease
