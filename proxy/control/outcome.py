"""What became of a command."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.control.store.base import JournalEntry
from proxy.traffic.model import Operation, State
from proxy.traffic.reduction import Change, Reduction


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state before and after a command or an observation, the same if nothing changed, and what lies between."""

    before: State
    after: State
    operation: Operation | None = None
    """The operation that it began, joined or ended."""
    ended: tuple[Operation, ...] = ()
    """Operations that are over because of it."""
    changes: tuple[Change, ...] = ()
    entry: JournalEntry | None = None
    """What the journal says of it; ``None`` for a dry run, an observation, and where nothing changed."""
    conflict: Operation | None = None
    """Of a dry run: the running operation that would have to end first."""


def outcome_of(before: State, reduction: Reduction, entry: JournalEntry | None = None) -> Outcome:
    """The outcome of a reduction that was carried out, or only tried."""
    return Outcome(
        before=before,
        after=reduction.state,
        operation=reduction.operation,
        ended=reduction.ended,
        changes=reduction.changes,
        entry=entry,
    )
