"""The routing table: what a worker needs to know to serve, made from the state and from nothing else.

It names only the upstreams that may be picked. A worker holds one table at a time and never edits it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from proxy.traffic.audience import HoldRule, PreviewRule, Settled, StickyRule
from proxy.traffic.buckets import service_key
from proxy.traffic.model import Cohort, Health, Pool, Service, State
from proxy.traffic.rollout.warming import FINEST
from proxy.traffic.spec import Balance, Color, DoorSpec, RetryRule


class TableUpstream(NamedTuple):
    """One server that may be picked; its weight is at least 1. (A tuple: a table may name thousands.)"""

    address: str
    weight: int


class ComparedUpstream(NamedTuple):
    """One that is compared with others of its pool meanwhile."""

    address: str
    weight: int
    cohort: Cohort


TablePool = tuple[TableUpstream | ComparedUpstream, ...]


@dataclass(frozen=True, slots=True)
class TableService:
    """How requests of one service find their upstream."""

    name: str
    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    split: int
    """Green's share, in hundredths of a percent."""
    blue: TablePool
    green: TablePool
    balance: Balance
    retry: RetryRule
    consecutive_errors: int | None
    """After how many errors in a row a worker reports an upstream; ``None`` for never."""
    sticky: StickyRule | None = None
    key: str = ""
    """Hexadecimal digits: the key of this service's buckets and cookies; ``""`` where none is needed."""
    settled: Settled | None = None
    preview: PreviewRule | None = None
    hold: HoldRule | None = None
    maintenance: str | None = None
    routes: tuple[str, ...] = ()
    """Path prefixes that are counted by themselves, for the judge."""
    operation: str = ""
    """The id of the operation that moves its traffic; ``""`` while none does."""

    def pool(self, color: Color) -> TablePool:
        """The upstreams of one color that may be picked."""
        return self.blue if color is Color.BLUE else self.green


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """One generation of the answer to: where does this request go?"""

    generation: int
    door: DoorSpec
    services: tuple[TableService, ...]


class TableCompiler:
    """Makes the tables of states that follow each other. What a state has in common with the one before is reused.

    So a table costs as much as was changed, and whoever takes it over sees by identity what was not.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, tuple[Service, TableService]] = {}

    def compile(self, state: State) -> RoutingTable:
        """The table that a state asks for."""
        moving = {each.service: each.id for each in state.operations.values() if each.moves_traffic}
        self._known = {
            name: (service, self._service(service, state.secret, moving.get(name, "")))
            for name, service in state.services.items()
        }
        return RoutingTable(state.generation, state.door, tuple(compiled for _, compiled in self._known.values()))

    def _service(self, service: Service, secret: str, operation: str) -> TableService:
        before, compiled = self._known.get(service.name, (None, None))
        if before is None or compiled is None:
            return _service(service, secret, _pool(service, Color.BLUE), _pool(service, Color.GREEN), operation)
        if service is before:
            return compiled if operation == compiled.operation else replace(compiled, operation=operation)
        blue, green = (
            compiled.pool(color) if _same_pool(service, before, color) else _pool(service, color) for color in Color
        )
        return _service(service, secret, blue, green, operation)


def compile_table(state: State) -> RoutingTable:
    """The table that a state asks for."""
    return TableCompiler().compile(state)


def eligible(service: Service, color: Color) -> Pool:
    """The upstreams of a color that may be picked.

    Those that the operator wants and that are fit; where none is fit, all that the operator wants (fail open): an
    upstream that might answer is better than one error page for everybody.
    """
    wanted = tuple(upstream for upstream in service.pool(color) if upstream.wanted)
    if service.spec.health is None:
        return tuple(u for u in wanted if not u.ejected) or wanted
    return tuple(upstream for upstream in wanted if upstream.fit) or wanted


def fails_open(service: Service, color: Color) -> bool:
    """Whether a color is served by upstreams that are not known to be healthy, for want of better ones."""
    pool = eligible(service, color)
    return bool(pool) and service.spec.health is not None and not any(u.health is Health.HEALTHY for u in pool)


def _same_pool(service: Service, before: Service, color: Color) -> bool:
    checked = service.spec.health is not None
    return service.pool(color) is before.pool(color) and checked is (before.spec.health is not None)


def _pool(service: Service, color: Color) -> TablePool:
    pool = eligible(service, color)
    if all(upstream.ramp >= 1.0 for upstream in pool):
        weights = [upstream.weight for upstream in pool]
    else:
        weights = [max(1, round(each.weight * each.ramp * FINEST)) for each in pool]
    if any(upstream.cohort for upstream in pool):
        return tuple(ComparedUpstream(each.address, n, each.cohort) for each, n in zip(pool, weights, strict=True))
    return tuple(TableUpstream(each.address, weight) for each, weight in zip(pool, weights, strict=True))


def _service(service: Service, secret: str, blue: TablePool, green: TablePool, operation: str) -> TableService:
    spec = service.spec
    return TableService(
        name=spec.name,
        hosts=spec.hosts,
        paths=spec.paths,
        split=service.split,
        blue=blue,
        green=green,
        balance=spec.balance,
        retry=spec.retry,
        consecutive_errors=spec.outlier.consecutive_errors if spec.outlier else None,
        sticky=spec.sticky,
        key=service_key(secret, spec.name) if spec.sticky else "",
        settled=service.settled,
        preview=spec.preview,
        hold=service.hold,
        maintenance=service.maintenance,
        routes=spec.judge.routes,
        operation=operation,
    )
