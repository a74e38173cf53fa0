"""Operations and changes as JSON-ready data, and back: the one form in which they are stored and told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

from proxy.traffic.gate_records import load_gates
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.judgement import Tally
from proxy.traffic.model import Operation, OperationKind, OperationState, Phase, Receipt
from proxy.traffic.reduction import Change
from proxy.traffic.rollout.records import load_rollout
from proxy.traffic.shift import Position, Shift, Step
from proxy.traffic.spec import Color

Record = dict[str, Any]


def dump_operation(operation: Operation) -> Record:
    """An operation as JSON-ready data: enums as their values, tuples as lists."""
    raw = _fields(operation)
    raw["receipt"] = _fields(operation.receipt) if operation.receipt else None
    raw["leaving"] = [[color.value, address] for color, address in operation.leaving]
    raw["shift"] = asdict(operation.shift) if operation.shift else None
    raw["rollout"] = asdict(operation.rollout) if operation.rollout else None
    for key in ("kind", "state", "phase"):
        raw[key] = raw[key].value
    return raw


def load_operation(raw: Record) -> Operation:
    """What :func:`dump_operation` wrote, now or in an earlier version that knew fewer fields.

    Raises:
        KeyError, ValueError, TypeError: it was not written by it.
    """
    read = {
        **raw,
        "kind": OperationKind(raw["kind"]),
        "state": OperationState(raw["state"]),
        "phase": Phase(raw["phase"]),
        "leaving": tuple((Color(color), address) for color, address in raw["leaving"]),
        "receipt": Receipt(**raw["receipt"]) if raw["receipt"] else None,
        "shift": _shift(raw["shift"]) if raw.get("shift") else None,
        "rollout": load_rollout(raw["rollout"]) if raw.get("rollout") else None,
    }
    return Operation(**read)


def load_tally(raw: Record) -> Tally:
    """What ``asdict`` made of a tally."""
    return Tally(**{**raw, "latency": tuple(raw["latency"])})


def _shift(raw: Record) -> Shift:
    return Shift(
        **{
            **raw,
            "steps": tuple(Step(**step) for step in raw["steps"]),
            "gates": load_gates(raw["gates"]),
            "position": Position(**raw["position"]),
            "hindrance": Hindrance(raw["hindrance"]) if raw["hindrance"] else None,
            "baseline": load_tally(raw["baseline"]) if raw["baseline"] else None,
        }
    )


def dump_changes(changes: Iterable[Change]) -> list[Record]:
    """Changes as JSON-ready data."""
    return [_fields(change) for change in changes]


def load_changes(raw: str) -> tuple[Change, ...]:
    """What :func:`dump_changes` made, from its JSON text."""
    return tuple(Change(**change) for change in json.loads(raw))


def _fields(value: Operation | Receipt | Change) -> Record:
    """The fields as they are. (``asdict`` copies deeply, enums too, and took a tenth of what a switch costs.)"""
    return {field.name: getattr(value, field.name) for field in fields(value)}
