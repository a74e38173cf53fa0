"""Which live events tell of an outcome."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.control import rollout_progress, shift_progress
from proxy.control.events import EventName, Events
from proxy.control.outcome import Outcome
from proxy.control.store.base import JournalEntry
from proxy.traffic.commands import Command, MarkApplied, ObserveEjection, ObserveHealth
from proxy.traffic.concealed import concealed
from proxy.traffic.model import Operation
from proxy.traffic.records import dump_changes, dump_operation


def announce(events: Events, command: Command, outcome: Outcome) -> None:
    """Tell what a command or an observation changed, then which operations it moved on."""
    if outcome.entry:
        announce_entry(events, outcome.entry)
    elif isinstance(command, ObserveHealth | ObserveEjection) and outcome.changes:
        events.emit(
            EventName.OBSERVED,
            service=command.service,
            generation=outcome.after.generation,
            changes=dump_changes(outcome.changes),
        )
    elif isinstance(command, MarkApplied) and outcome.operation:
        events.emit(EventName.APPLIED, **_told(outcome.operation))
    for operation in _moved(outcome):
        events.emit(EventName.PROGRESS, **_told(operation))
    for operation in outcome.ended:
        events.emit(EventName.ENDED, **_told(operation))


def _told(operation: Operation) -> dict[str, Any]:
    """For every listener: some of them may only look."""
    return dump_operation(concealed(operation))


def _moved(outcome: Outcome) -> Iterator[Operation]:
    """The shift or the rollout that stands elsewhere than before, if it goes on."""
    operation = outcome.operation
    if operation is None or operation.id not in outcome.after.operations:
        return
    before = outcome.before.operations.get(operation.id)
    if before is not None and _standing(before) != _standing(operation):
        yield operation


def _standing(operation: Operation) -> tuple[object, ...]:
    return *shift_progress.standing(operation), *rollout_progress.standing(operation)


def announce_entry(events: Events, entry: JournalEntry) -> None:
    """Tell what was written into the journal."""
    events.emit(
        EventName.CHANGED,
        entry=entry.id,
        action=entry.action,
        service=entry.service,
        by=entry.by,
        reason=entry.reason,
        operation=entry.operation,
        generation=entry.generation,
        revision=entry.revision,
        changes=dump_changes(entry.changes),
    )
