"""Rows of the history."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.control.store.base import JournalEntry
from proxy.wording.changes import entry_lines


@dataclass(frozen=True, slots=True)
class Entry:
    """Who changed what, when and why."""

    at: float
    by: str
    action: str
    service: str | None
    operation: str | None
    changes: tuple[str, ...]
    """What became what, in words."""
    reason: str | None


def entry(found: JournalEntry) -> Entry:
    """A row made of an entry of the journal."""
    changes = [{"path": c.path, "before": c.before, "after": c.after} for c in found.changes]
    told = {"changes": changes, "operation": found.operation, "by": found.by, "action": found.action}
    return Entry(
        found.at,
        found.by,
        found.action.replace("_", " "),
        found.service,
        found.operation,
        tuple(entry_lines(told)),
        found.reason,
    )
