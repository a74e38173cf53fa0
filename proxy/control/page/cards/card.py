"""An operation on the page: what it does, how far it is, what it waits for, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proxy.control.page.buttons import Button
from proxy.control.page.cards.drain import Drain, Holder, drain
from proxy.control.page.cards.gates import Json
from proxy.control.page.cards.rollout import Rolling, rolling
from proxy.control.page.cards.shift import Moving, moving
from proxy.wording.numbers import counted, took_words
from proxy.wording.receipts import loss_words, receipt_lines, state_words, what_words

_GOOD, _BAD = ("succeeded",), ("failed", "aborted", "rolled_back")


@dataclass(frozen=True, slots=True)
class Head:
    """What is told of every operation."""

    id: str
    service: str
    kind: str
    state_words: str
    look: str
    """good, bad, waiting or busy."""
    what: str
    """``green 0 % -> 100 %``."""
    by: str
    reason: str | None
    started_at: float
    ended_at: float | None
    took: str | None
    note: str | None


def head(operation: Json) -> Head:
    """The head of an operation."""
    started, ended = operation["started_at"], operation["ended_at"]
    return Head(
        id=operation["id"],
        service=operation["service"],
        kind=operation["kind"],
        state_words=state_words(operation),
        look=_look(operation["state"]),
        what=what_words(operation),
        by=operation["by"],
        reason=operation["reason"],
        started_at=started,
        ended_at=ended,
        took=None if ended is None else took_words(max(0.0, ended - started)),
        note=operation["note"],
    )


def _look(state: str) -> str:
    if state in _GOOD:
        return "good"
    return "bad" if state in _BAD else "waiting" if state == "paused" else "busy"


@dataclass(frozen=True, slots=True)
class Card:
    """All that is shown of one operation."""

    head: Head
    moving: Moving | None
    rolling: Rolling | None
    drain: Drain | None
    seen: str | None
    """How many workers serve from its table, while some do not."""
    receipt: tuple[tuple[str, str], ...]
    """Numbers, each with what it counts."""
    proof: tuple[str, ...]
    """What the receipt comes to: first what was lost, then what else did not end well, and by whose fault."""
    buttons: tuple[Button, ...]

    @property
    def waits(self) -> bool:
        """Whether it is told already why it does not go on."""
        return any(each is not None and each.waits for each in (self.moving, self.rolling))


def card(operation: Json, holders: Callable[[Json], Iterator[Holder]], buttons: tuple[Button, ...] = ()) -> Card:
    """An operation, made from the API's answer about it."""
    progress = operation["progress"]
    applying = progress["phase"] == "applying"
    return Card(
        head=head(operation),
        moving=moving(operation),
        rolling=rolling(operation),
        drain=drain(operation, holders),
        seen=f"seen by {progress['seen_by']} of {counted(progress['workers'], 'worker')}" if applying else None,
        receipt=tuple((_number(value), words) for value, words in receipt_lines(operation)),
        proof=tuple(loss_words(operation)) if operation["receipt"] and operation["ended_at"] else (),
        buttons=buttons,
    )


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
