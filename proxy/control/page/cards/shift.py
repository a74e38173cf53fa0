"""A shift on the page: where it stands, what is to come, and what the judge says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from proxy.control.page.cards.gates import Json, gate_words
from proxy.wording import shifts
from proxy.wording.numbers import span_words


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a shift."""

    goal: str
    rest: str
    standing: str
    """done, now or ahead."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A shift: where it stands and what is to come."""

    to: str
    place: str
    left: str
    eta_at: float | None
    waits: bool
    percent: float
    target: float
    steps: tuple[Step, ...]
    gates: tuple[str, ...]
    judge: str | None
    """The judge's sentence."""
    finding: str
    judged: bool
    details: tuple[str, ...]


def moving(operation: Json) -> Moving | None:
    """The shift that an operation is; ``None``: it is none."""
    shift = operation["shift"]
    if shift is None:
        return None
    under_way = shifts.is_moving(operation)
    judge = shift["judge"] or {}
    settled = shift["settled_left"]
    return Moving(
        to=shift["to"],
        place=shifts.place_words(shift),
        left=shifts.left_words(shift) if under_way else "",
        eta_at=shift["eta_at"] if under_way else None,
        waits=bool(shift["hindrance"]),
        percent=shift["percent"],
        target=shift["target"],
        steps=tuple(_steps(operation, shift)),
        gates=tuple(gate_words(gate) for gate in shift["gates"]),
        judge=judge.get("words"),
        finding=judge.get("finding", ""),
        judged=shift["judged"],
        details=() if settled is None else (f"{settled} users stay until their session is over",),
    )


def _steps(operation: Json, shift: Json) -> Iterator[Step]:
    moves, done = shifts.is_moving(operation), operation["state"] == "succeeded"
    arrived = not moves and operation["ended_at"] is None
    for number, step in enumerate(shift["steps"], start=1):
        ahead = "done" if done or arrived or number < shift["step"] else "ahead"
        goal = f"{step['percent']:g} %" + (f" over {span_words(step['over'])}" if step["over"] else "")
        pause = step["pause"]
        rest = "until somebody promotes it" if pause is None else f"then {span_words(pause)}" if pause else ""
        yield Step(goal, rest, "now" if moves and number == shift["step"] else ahead)
