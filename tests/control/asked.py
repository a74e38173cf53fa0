"""A gate for tests of what asks gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from proxy.traffic.gates import Moment
from proxy.traffic.model import Operation


@dataclass(frozen=True)
class Answer:
    """What a gate said."""

    gate: str
    ok: bool
    detail: str


@dataclass
class Gate:
    """Answers for all gates, and remembers when it was asked."""

    against: Moment | None = None
    asked: list[Moment] = field(default_factory=list)

    async def ask(self, operation: Operation, moment: Moment) -> Sequence[Answer]:
        """Go, but at one moment."""
        self.asked.append(moment)
        return [Answer("webhook ci", moment is not self.against, "not on Fridays" if moment is self.against else "")]
