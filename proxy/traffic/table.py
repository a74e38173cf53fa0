"""The routing table: what a worker needs to know to serve, made from the state and from nothing else.

It names only the upstreams that may be picked. A worker holds one table at a time and never edits it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from proxy.traffic.model import Health, Pool, Service, State
from proxy.traffic.spec import (
    AccessLog,
    AccessLogFormat,
    Balance,
    Color,
    DoorSpec,
    Limits,
    RetryRule,
    Timeouts,
)


@dataclass(frozen=True, slots=True)
class TableUpstream:
    """One server that may be picked; its weight is at least 1."""

    address: str
    weight: int


@dataclass(frozen=True, slots=True)
class TableService:
    """How requests of one service find their upstream."""

    name: str
    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    split: int
    """Green's share, in hundredths of a percent."""
    blue: tuple[TableUpstream, ...]
    green: tuple[TableUpstream, ...]
    balance: Balance
    retry: RetryRule
    consecutive_errors: int | None
    """After how many errors in a row a worker reports an upstream; ``None`` for never."""

    def pool(self, color: Color) -> tuple[TableUpstream, ...]:
        """The upstreams of one color that may be picked."""
        return self.blue if color is Color.BLUE else self.green


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """One generation of the answer to: where does this request go?"""

    generation: int
    door: DoorSpec
    services: tuple[TableService, ...]


def compile_table(state: State) -> RoutingTable:
    """The table that a state asks for."""
    return RoutingTable(
        generation=state.generation,
        door=state.door,
        services=tuple(_service(service) for service in state.services.values()),
    )


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


def _service(service: Service) -> TableService:
    spec = service.spec
    return TableService(
        name=spec.name,
        hosts=spec.hosts,
        paths=spec.paths,
        split=service.split,
        blue=tuple(TableUpstream(u.address, u.weight) for u in eligible(service, Color.BLUE)),
        green=tuple(TableUpstream(u.address, u.weight) for u in eligible(service, Color.GREEN)),
        balance=spec.balance,
        retry=spec.retry,
        consecutive_errors=spec.outlier.consecutive_errors if spec.outlier else None,
    )


def encode_table(table: RoutingTable) -> bytes:
    """The table as bytes for the board."""
    raw = {
        "generation": table.generation,
        "door": asdict(table.door),
        "services": [_encode_service(service) for service in table.services],
    }
    return json.dumps(raw, separators=(",", ":")).encode()


def _encode_service(service: TableService) -> dict[str, Any]:
    return {
        "name": service.name,
        "hosts": service.hosts,
        "paths": service.paths,
        "split": service.split,
        "blue": _encode_pool(service.blue),
        "green": _encode_pool(service.green),
        "balance": service.balance,
        "retry": asdict(service.retry),
        "consecutive_errors": service.consecutive_errors,
    }


def _encode_pool(pool: tuple[TableUpstream, ...]) -> list[tuple[str, int]]:
    return [(upstream.address, upstream.weight) for upstream in pool]  # pairs: a table may name thousands


def decode_table(data: bytes) -> RoutingTable:
    """The table that :func:`encode_table` wrote."""
    raw = json.loads(data)
    door = raw["door"]
    return RoutingTable(
        generation=raw["generation"],
        door=DoorSpec(
            timeouts=Timeouts(**door["timeouts"]),
            limits=Limits(**door["limits"]),
            access_log=AccessLog(AccessLogFormat(door["access_log"]["format"]), door["access_log"]["path"]),
            trusted_proxies=tuple(door["trusted_proxies"]),
        ),
        services=tuple(_decode_service(service) for service in raw["services"]),
    )


def _decode_service(raw: dict[str, Any]) -> TableService:
    return TableService(
        name=raw["name"],
        hosts=tuple(raw["hosts"]),
        paths=tuple(raw["paths"]),
        split=raw["split"],
        blue=_decode_pool(raw["blue"]),
        green=_decode_pool(raw["green"]),
        balance=Balance(raw["balance"]),
        retry=RetryRule(**raw["retry"]),
        consecutive_errors=raw["consecutive_errors"],
    )


def _decode_pool(raw: list[tuple[str, int]]) -> tuple[TableUpstream, ...]:
    return tuple(TableUpstream(address, weight) for address, weight in raw)
