"""What a carried-out command is called, and how it is written down."""

from __future__ import annotations

from proxy.control.store.base import JournalEntry
from proxy.traffic.commands import (
    Abort,
    AddUpstream,
    ChangeUpstream,
    Configure,
    Context,
    Fail,
    FailWarmth,
    Hinder,
    Hold,
    OperatorCommand,
    Pause,
    Promote,
    Release,
    RemoveUpstream,
    ReplacePool,
    Resume,
    Rollback,
    SetMaintenance,
    SetSplit,
    StartShift,
    Switch,
)
from proxy.traffic.model import Operation, State
from proxy.traffic.reduction import Change, Reduction
from proxy.traffic.rollout.commands import MarkReady, StartRollout

_ACTIONS: dict[type[OperatorCommand], str] = {
    Switch: "switch",
    StartShift: "shift",
    Pause: "pause",
    Resume: "resume",
    Promote: "promote",
    Hinder: "wait",
    Fail: "fail",
    FailWarmth: "fail",
    StartRollout: "roll",
    MarkReady: "ready",
    Hold: "hold",
    Release: "release",
    SetMaintenance: "maintenance",
    SetSplit: "split",
    Rollback: "rollback",
    Abort: "abort",
    ReplacePool: "replace_pool",
    AddUpstream: "add_upstream",
    ChangeUpstream: "change_upstream",
    RemoveUpstream: "remove_upstream",
    Configure: "configure",
}


def entry_of(command: OperatorCommand, reduction: Reduction, context: Context) -> JournalEntry:
    """The journal's entry for a command and what it led to."""
    service = _service(command, reduction)
    return JournalEntry(
        id=0,
        at=context.now,
        by=context.by,
        reason=context.reason,
        service=service,
        action=_ACTIONS[type(command)],
        operation=reduction.operation.id if reduction.operation else None,
        changes=reduction.changes,
        generation=reduction.state.generation,
        revision=reduction.state.services[service].revision if service else None,
    )


def note_entry(
    action: str, state: State, operation: Operation, reason: str, changes: tuple[Change, ...], now: float
) -> JournalEntry:
    """The entry of something that was noticed about an operation."""
    service = state.services.get(operation.service)
    return JournalEntry(
        id=0,
        at=now,
        by=action,
        reason=reason,
        service=operation.service,
        action=action,
        operation=operation.id,
        changes=changes,
        generation=state.generation,
        revision=service.revision if service else None,
    )


def start_entry(state: State, now: float) -> JournalEntry:
    """The entry that tells that the program has started."""
    return JournalEntry(
        id=0,
        at=now,
        by="program",
        reason=None,
        service=None,
        action="start",
        operation=None,
        changes=(),
        generation=state.generation,
        revision=None,
    )


def _service(command: OperatorCommand, reduction: Reduction) -> str | None:
    match command:
        case Configure():
            return None
        case Abort() | Pause() | Resume() | Promote() | Hinder() | Fail() | MarkReady():
            return reduction.operation.service if reduction.operation else None
        case _:
            return command.service
