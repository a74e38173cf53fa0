"""The routing table as bytes for the board, and back.

A line for each part: the generation, the rules of the door, and for each service its rules and its two pools. Most
tables differ from the one before in a line or two, and only those cost anything: whoever writes keeps the lines of what
stayed the same object, and whoever reads keeps the objects of lines that stayed the same.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from proxy.traffic.audience import CookieAttributes, HoldRule, PreviewRule, Settled, StickyBy, StickyRule
from proxy.traffic.model import Cohort
from proxy.traffic.spec import (
    AccessLog,
    AccessLogFormat,
    Balance,
    DoorSpec,
    Limits,
    ResponseHeaders,
    RetryRule,
    Timeouts,
)
from proxy.traffic.table import ComparedUpstream, RoutingTable, TablePool, TableService, TableUpstream

_Lines = tuple[bytes, bytes, bytes]
"""Of a service: rules, blue, green."""


class TableEncoder:
    """Writes tables that follow each other."""

    __slots__ = ("_door", "_services")

    def __init__(self) -> None:
        self._door: tuple[DoorSpec, bytes] | None = None
        self._services: dict[str, tuple[TableService, _Lines]] = {}

    def encode(self, table: RoutingTable) -> bytes:
        """The table as bytes."""
        if self._door is None or self._door[0] is not table.door:
            self._door = (table.door, _line(asdict(table.door)))
        self._services = {service.name: (service, self._lines(service)) for service in table.services}
        lines = [b"%d" % table.generation, self._door[1]]
        for _, each in self._services.values():
            lines += each
        return b"\n".join(lines)

    def _lines(self, service: TableService) -> _Lines:
        known = self._services.get(service.name)
        if known is None:
            return _line(_rules(service)), _line(service.blue), _line(service.green)
        before, (rules, blue, green) = known
        return (
            rules if service is before else _line(_rules(service)),
            blue if service.blue is before.blue else _line(service.blue),
            green if service.green is before.green else _line(service.green),
        )


class TableDecoder:
    """Reads tables that follow each other."""

    __slots__ = ("_door", "_lines", "_services")

    def __init__(self) -> None:
        self._lines: list[bytes] = [b"", b""]
        self._door = DoorSpec()
        self._services: list[TableService] = []

    def decode(self, data: bytes) -> RoutingTable:
        """The table that :class:`TableEncoder` wrote."""
        lines = data.split(b"\n")
        if lines[1] != self._lines[1]:
            self._door = _door(json.loads(lines[1]))
        self._services = [self._service(lines, start) for start in range(2, len(lines), 3)]
        self._lines = lines
        return RoutingTable(int(lines[0]), self._door, tuple(self._services))

    def _service(self, lines: list[bytes], start: int) -> TableService:
        new, old = lines[start : start + 3], self._lines[start : start + 3]
        if not old:
            return _service(json.loads(new[0]), _pool(new[1]), _pool(new[2]))
        before = self._services[(start - 2) // 3]
        if new == old:
            return before
        blue = before.blue if new[1] == old[1] else _pool(new[1])
        green = before.green if new[2] == old[2] else _pool(new[2])
        return _service(json.loads(new[0]), blue, green)


def encode_table(table: RoutingTable) -> bytes:
    """The table as bytes for the board."""
    return TableEncoder().encode(table)


def decode_table(data: bytes) -> RoutingTable:
    """The table that :func:`encode_table` wrote."""
    return TableDecoder().decode(data)


_RULES = ("sticky", "settled", "preview", "hold")
"""Rules of a service that most services do without; their lines name only those that there are."""


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _rules(service: TableService) -> dict[str, Any]:
    return {
        "name": service.name,
        "hosts": service.hosts,
        "paths": service.paths,
        "split": service.split,
        "balance": service.balance,
        "retry": asdict(service.retry),
        "consecutive_errors": service.consecutive_errors,
        **{name: asdict(value) for name in _RULES if (value := getattr(service, name)) is not None},
        "key": service.key,
        "maintenance": service.maintenance,
        "routes": service.routes,
        "operation": service.operation,
    }


def _door(raw: dict[str, Any]) -> DoorSpec:
    return DoorSpec(
        timeouts=Timeouts(**raw["timeouts"]),
        limits=Limits(**raw["limits"]),
        access_log=AccessLog(AccessLogFormat(raw["access_log"]["format"]), raw["access_log"]["path"]),
        trusted_proxies=tuple(raw["trusted_proxies"]),
        trace_share=raw["trace_share"],
        response_headers=ResponseHeaders(**raw["response_headers"]),
    )


def _service(raw: dict[str, Any], blue: TablePool, green: TablePool) -> TableService:
    return TableService(
        name=raw["name"],
        hosts=tuple(raw["hosts"]),
        paths=tuple(raw["paths"]),
        split=raw["split"],
        blue=blue,
        green=green,
        balance=Balance(raw["balance"]),
        retry=RetryRule(**raw["retry"]),
        consecutive_errors=raw["consecutive_errors"],
        sticky=_sticky(raw["sticky"]) if "sticky" in raw else None,
        key=raw["key"],
        settled=Settled(**raw["settled"]) if "settled" in raw else None,
        preview=PreviewRule(**raw["preview"]) if "preview" in raw else None,
        hold=HoldRule(**raw["hold"]) if "hold" in raw else None,
        maintenance=raw["maintenance"],
        routes=tuple(raw["routes"]),
        operation=raw["operation"],
    )


def _sticky(raw: dict[str, Any]) -> StickyRule:
    return StickyRule(StickyBy(raw["by"]), raw["name"], CookieAttributes(**raw["attributes"]))


def _pool(line: bytes) -> TablePool:
    raw = json.loads(line)
    if raw and len(raw[0]) == len(ComparedUpstream._fields):
        return tuple(ComparedUpstream(address, weight, Cohort(cohort)) for address, weight, cohort in raw)
    return tuple(map(TableUpstream._make, raw))
