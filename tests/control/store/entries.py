"""Things to store."""

from __future__ import annotations

from proxy.control.store.base import JournalEntry
from proxy.traffic.model import Operation, OperationKind, OperationState, Phase, Receipt
from proxy.traffic.reduction import Change
from proxy.traffic.spec import Color


def entry(number: int = 1, *, service: str | None = "shop", reason: str | None = None) -> JournalEntry:
    """An entry that has not been written yet."""
    changes = (Change("split.green", 0.0, 100.0), Change("pools.blue.a:1", None, "weight 1, ready"))
    return JournalEntry(0, 10.5 + number, "ada", reason, service, "switch", f"op-{number}", changes, number, 7)


def operation(number: int = 1, *, service: str = "shop", running: bool = False) -> Operation:
    """An operation that runs, or has ended."""
    return Operation(
        id=f"op-{number}",
        service=service,
        kind=OperationKind.SWITCH,
        by="ada",
        reason="because",
        started_at=10.0,
        before=0,
        after=10_000,
        leaving=((Color.BLUE, None), (Color.BLUE, "a:1")),
        state=OperationState.RUNNING if running else OperationState.SUCCEEDED,
        phase=Phase.APPLYING if running else Phase.ENDED,
        ended_at=None if running else 11.0,
        receipt=Receipt(generation=number, applied_at=10.25, longest_ms=3.5),
        note=None if running else "done",
    )
