"""What happens to the traffic, told on standard error: operations, changes of operators, hooks and gates, the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final

from proxy.config.settings import NotificationEvent
from proxy.control.events import Event, EventName
from proxy.control.notifications.happening import happenings
from proxy.control.notifications.wording import color_of
from proxy.control.outcome import Outcome
from proxy.control.shift_progress import share_of
from proxy.logs.events import Level, LogEvent
from proxy.logs.lines import Field
from proxy.logs.log import EventLog
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.judgement import Verdict
from proxy.traffic.model import Operation, OperationState, Receipt
from proxy.traffic.shift import split_at

MOST_CHANGES: Final = 20
"""Changes that a line names; a reload may make thousands."""

HOOK: Final = "hook"
GATE: Final = "gate"
"""Actions of the journal that nobody took."""

_PLAIN_ENDS: Final = (OperationState.SUCCEEDED, OperationState.ABORTED)
_TIMES: Final = ("applied_at", "drained_at")
_RECEIPT: Final = tuple(field.name for field in fields(Receipt) if field.name not in _TIMES)


class Chronicle:
    """Writes one line for each. What is secret in a plan (URLs, environments) is in none of them."""

    def __init__(self, log: EventLog, judge: Callable[[str], Verdict | None]) -> None:
        """``judge`` tells what was last said of the operation with an id."""
        self._log = log
        self._judge = judge

    def follow(self, outcome: Outcome) -> None:
        """Tell what a change did to operations."""
        for happening in happenings(outcome, 0.0, self._judge):
            if happening.event is NotificationEvent.END:
                self._ended(happening.operation, happening.judge)
            elif happening.operation.id in outcome.before.operations:
                self._going_back(happening.operation)
            else:
                self._started(happening.operation)
                if happening.event is NotificationEvent.ROLLBACK:
                    self._going_back(happening.operation)
        self._moved(outcome)

    def hear(self, event: Event) -> None:
        """Tell of what is no operation."""
        match event.name:
            case EventName.CHANGED:
                self._changed(event.data)
            case EventName.STORE_DOWN:
                self._log.error(LogEvent.STORE_DOWN, error=event.data["error"])
            case EventName.STORE_UP:
                self._log.info(LogEvent.STORE_UP)
            case EventName.TOO_LARGE:
                self._log.error(LogEvent.TABLE_TOO_LARGE, error=event.data["error"])

    # Operations.

    def _started(self, operation: Operation) -> None:
        self._log.info(
            LogEvent.OPERATION_STARTED,
            **_named(operation),
            by=operation.by,
            reason=operation.reason,
            green_before=operation.before / 100,
            green_after=operation.after / 100,
        )

    def _going_back(self, operation: Operation) -> None:
        self._log.warning(LogEvent.ROLLBACK, **_named(operation), by=operation.by, reason=operation.reason)

    def _ended(self, operation: Operation, judge: str | None) -> None:
        began, over, receipt = operation.started_at, operation.ended_at, operation.receipt
        counted = {name: getattr(receipt, name) for name in _RECEIPT} if receipt is not None else {}
        clean = operation.state in _PLAIN_ENDS and not counted.get("dropped")
        self._log.write(
            Level.INFO if clean else Level.WARNING,
            LogEvent.OPERATION_ENDED,
            **_named(operation),
            state=operation.state.value,
            by=operation.by,
            reason=operation.reason,
            note=operation.note,
            judge=judge,
            seconds=round(max(0.0, over - began), 3) if over is not None else None,
            **{name: value for name, value in counted.items() if value is not None},
        )

    def _moved(self, outcome: Outcome) -> None:
        """Tell how far the operation is that goes on, if that is not as it was."""
        if outcome.operation is None:
            return
        operation = outcome.after.operations.get(outcome.operation.id)
        before = outcome.before.operations.get(outcome.operation.id)
        if operation is None or before is None:
            return
        if _applied(operation) and not _applied(before):
            self._applied(operation)
        if _step(operation) != _step(before):
            self._log.info(LogEvent.OPERATION_STEP, **_named(operation), **_place(operation))
        if _hindrance(operation) is not _hindrance(before):
            self._hindered(operation, outcome)

    def _applied(self, operation: Operation) -> None:
        receipt = operation.receipt
        assert receipt is not None, "that is where it stands"
        self._log.info(
            LogEvent.OPERATION_APPLIED,
            **_named(operation),
            generation=receipt.generation,
            spread_ms=receipt.spread_ms,
        )

    def _hindered(self, operation: Operation, outcome: Outcome) -> None:
        hindrance, entry = _hindrance(operation), outcome.entry
        told: dict[str, Field] = {**_named(operation), **_place(operation)}
        if entry is not None:
            told |= {"by": entry.by, "reason": entry.reason}
        if hindrance is None:
            self._log.info(LogEvent.OPERATION_RESUMED, **told)
        elif hindrance is Hindrance.OPERATOR:
            self._log.info(LogEvent.OPERATION_PAUSED, **told)
        else:
            self._log.info(LogEvent.OPERATION_WAITS, **told, waits_for=hindrance.value)

    # What the journal has.

    def _changed(self, data: Mapping[str, Any]) -> None:
        changes = data["changes"]
        told = {name: data[name] for name in ("service", "operation")}
        if data["action"] == HOOK:
            ok = next((change["after"] for change in changes if change["path"] == "hook.ok"), None)
            name = {True: LogEvent.HOOK_SUCCEEDED, False: LogEvent.HOOK_FAILED, None: LogEvent.HOOK_WAITS}[ok]
            self._log.write(Level.WARNING if ok is False else Level.INFO, name, **told, detail=data["reason"])
        elif data["action"] == GATE:
            ok = all(change["after"] == "go" for change in changes)
            self._log.info(LogEvent.GATE_ANSWERED, **told, ok=ok, detail=data["reason"])
        else:
            self._log.info(
                LogEvent.CHANGED,
                **told,
                **{name: data[name] for name in ("action", "by", "reason", "generation", "revision")},
                changes=[f"{each['path']}: {_shown(each['before'])} -> {_shown(each['after'])}" for each in changes][
                    :MOST_CHANGES
                ],
                more=max(0, len(changes) - MOST_CHANGES),
            )


def _named(operation: Operation) -> dict[str, Field]:
    return {
        "service": operation.service,
        "operation": operation.id,
        "kind": operation.kind.value,
        "color": color_of(operation).value,
    }


def _place(operation: Operation) -> dict[str, Field]:
    """Where a shift or a rolling deployment is; the numbers of steps and batches begin at 1."""
    shift, rollout = operation.shift, operation.rollout
    if shift is not None:
        share = share_of(operation.gaining, split_at(operation.before, shift))
        return {"step": shift.position.step + 1, "steps": len(shift.steps), "percent": share / 100}
    if rollout is not None:
        return {"batch": rollout.batch, "servers": [turn.address for turn in rollout.under_way]}
    return {}


def _step(operation: Operation) -> int | None:
    if operation.shift is not None:
        return operation.shift.position.step
    return operation.rollout.batch if operation.rollout is not None else None


def _hindrance(operation: Operation) -> Hindrance | None:
    going_on = operation.shift or operation.rollout
    return going_on.hindrance if going_on is not None else None


def _applied(operation: Operation) -> bool:
    return operation.receipt is not None and operation.receipt.applied_at is not None


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
