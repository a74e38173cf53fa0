"""What has happened to operations that somebody may want to be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from proxy.config.settings import NotificationEvent, NotificationSettings
from proxy.control.notifications import wording
from proxy.control.outcome import Outcome
from proxy.traffic.judgement import Verdict
from proxy.traffic.model import Operation, OperationKind


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that has happened to an operation."""

    event: NotificationEvent
    operation: Operation
    """As it was then."""
    at: float
    """Unix seconds."""
    judge: str | None = None
    """What the judge said of it then."""

    @property
    def identity(self) -> str:
        """What it is known by, however often it is told; another program, or one without its store, has others."""
        return f"{self.operation.id}@{int(self.operation.started_at)}/{self.event.value}"

    @property
    def text(self) -> str:
        """All of it in plain sentences."""
        operation = self.operation
        parts = [wording.told(self.event, operation), operation.reason, wording.why(operation, self.judge)]
        if self.event is NotificationEvent.END:
            parts.append(wording.counted(operation))
        return wording.sentences(parts)

    def concerns(self, target: NotificationSettings) -> bool:
        """Whether a target wants to be told of it."""
        return self.event in target.on and ("*" in target.services or self.operation.service in target.services)

    def document(self, shown: dict[str, Any], link: str | None) -> dict[str, Any]:
        """What is sent as JSON, but for the time of sending. ``shown`` is the operation as JSON-ready data."""
        return {
            "id": self.identity,
            "event": self.event.value,
            "at": self.at,
            "text": self.text,
            "judge": self.judge,
            "link": link,
            "operation": shown,
        }


def happenings(outcome: Outcome, at: float, judge: Callable[[str], Verdict | None]) -> Iterator[Happening]:
    """What a change did to operations: first those that it ended, then those that it began or sent back.

    Args:
        outcome: the change.
        at: Unix time.
        judge: what the judge says of the operation with an id.
    """

    def words(operation: Operation) -> str | None:
        verdict = judge(operation.id)
        return verdict.words if verdict is not None else None

    before, after = outcome.before.operations, outcome.after.operations
    for operation in outcome.ended:
        yield Happening(NotificationEvent.END, operation, at, words(operation))
    if before is after:
        return
    for operation in after.values():
        was = before.get(operation.id)
        if was is None:
            back = operation.kind is OperationKind.ROLLBACK
            yield Happening(NotificationEvent.ROLLBACK if back else NotificationEvent.START, operation, at)
        elif _undoing(operation) and not _undoing(was):
            yield Happening(NotificationEvent.ROLLBACK, operation, at, words(operation))


def _undoing(operation: Operation) -> bool:
    return operation.rollout is not None and operation.rollout.undoing
