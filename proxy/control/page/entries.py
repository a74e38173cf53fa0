"""Rows of the history."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.control.store.base import JournalEntry
from proxy.wording.changes import change_words


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
    changes = [change_words({"path": c.path, "before": c.before, "after": c.after}) for c in found.changes]
    if found.operation and not changes and found.by != found.action:  # else it is a note, which changes nothing
        changes = ["it was so already"]
    return Entry(
        found.at,
        found.by,
        found.action.replace("_", " "),
        found.service,
        found.operation,
        tuple(changes),
        found.reason,
    )
