"""Operations and journal entries as JSON-ready data, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from proxy.traffic.model import Operation, OperationKind, OperationState, Phase, Receipt
from proxy.traffic.reduction import Change
from proxy.traffic.spec import Color

Record = dict[str, Any]


def dump_operation(operation: Operation) -> Record:
    """An operation as JSON-ready data: enums as their values, tuples as lists."""
    raw = _fields(operation)
    raw["receipt"] = _fields(operation.receipt) if operation.receipt else None
    raw["leaving"] = [[color.value, address] for color, address in operation.leaving]
    for key in ("kind", "state", "phase"):
        raw[key] = raw[key].value
    return raw


def load_operation(raw: Record) -> Operation:
    """What :func:`dump_operation` wrote.

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
    }
    return Operation(**read)


def dump_changes(changes: Iterable[Change]) -> list[Record]:
    """Changes as JSON-ready data."""
    return [_fields(change) for change in changes]


def load_changes(raw: str) -> tuple[Change, ...]:
    """What :func:`dump_changes` made, from its JSON text."""
    return tuple(Change(**change) for change in json.loads(raw))


def _fields(value: Operation | Receipt | Change) -> Record:
    """The fields as they are. (``asdict`` copies deeply, enums too, and took a tenth of what a switch costs.)"""
    return {field.name: getattr(value, field.name) for field in fields(value)}
