"""Operations in sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.config.settings import NotificationEvent
from proxy.control.notifications import wording
from proxy.control.notifications.happening import Happening, happenings
from proxy.control.outcome import Outcome
from proxy.traffic.model import Operation, OperationKind, OperationState, Phase, Receipt, State
from proxy.traffic.rollout.plan import RolloutPlan
from proxy.traffic.rollout.rollout import Rollout, Turn
from proxy.traffic.spec import Color
from tests.control.store.entries import operation

ROLLING = replace(
    operation(running=True),
    kind=OperationKind.ROLL,
    leaving=(),
    before=0,
    after=0,
    rollout=Rollout(Color.BLUE, RolloutPlan(version="v2"), (Turn("a:1"), Turn("a:2"))),
)
BLUE, GREEN = (Color.BLUE, None), (Color.GREEN, None)


def of(kind: OperationKind, before: int, after: int) -> Operation:
    """An operation that changes green's share."""
    return replace(operation(), kind=kind, before=before, after=after, leaving=())


@pytest.mark.parametrize(
    ("given", "title", "color", "split"),
    [
        (of(OperationKind.SWITCH, 0, 10_000), "switch to green", "green", "green 0 % to 100 %"),
        (of(OperationKind.SWITCH, 10_000, 10_000), "switch to green", "green", ""),
        (of(OperationKind.SWITCH, 0, 0), "switch to blue", "blue", ""),
        (of(OperationKind.SPLIT, 1250, 1), "new split", "blue", "green 12.5 % to 0.01 %"),
        (of(OperationKind.SHIFT, 0, 5000), "shift to green", "green", "green 0 % to 50 %"),
        (of(OperationKind.ROLLBACK, 5000, 0), "rollback to blue", "blue", "green 50 % to 0 %"),
        (of(OperationKind.HOLD, 0, 0), "hold of new requests", "blue", ""),
        (
            replace(of(OperationKind.DRAIN, 0, 0), leaving=((Color.GREEN, "b:1"), (Color.GREEN, "b:2"))),
            "drain of green b:1, b:2",
            "green",
            "",
        ),
        (ROLLING, "rolling deployment of blue to v2", "blue", ""),
    ],
)
def test_each_kind_has_its_words(given: Operation, title: str, color: str, split: str) -> None:
    """What it is, which color it is about, and how the shares change."""
    assert (wording.title(given), wording.color_of(given), wording.split(given)) == (title, color, split)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            replace(operation(), receipt=Receipt(1, in_flight_at_flip=1234, dropped=0)),
            "0 of 1,234 requests in flight were dropped",
        ),
        (
            replace(ROLLING, receipt=Receipt(1, in_flight_at_flip=7, served_by_new=5000, errors_on_new=2)),
            "0 of 7 requests in flight were dropped; 5,000 answered by updated servers, 2 of them with 5xx",
        ),
        (
            replace(of(OperationKind.HOLD, 0, 0), receipt=Receipt(1, held=40, held_too_long=1)),
            "40 were held, 1 of them turned away",
        ),
        (replace(operation(), receipt=None), None),
        (of(OperationKind.SPLIT, 0, 100), None),
    ],
)
def test_a_receipt_has_a_headline(given: Operation, words: str | None) -> None:
    """Above all how many were dropped, where anything could be."""
    assert wording.counted(given) == words


def test_a_sentence_is_not_said_twice() -> None:
    """The judge's words may be the reason, the note, and what the judge still says."""
    bad = "green is worse"
    over = replace(operation(), state=OperationState.ROLLED_BACK, note=bad, reason="release 7")
    told = Happening(NotificationEvent.END, over, 11.0, judge=bad).text
    assert told.count(bad) == 1
    assert told.startswith("shop: switch to green by ada was rolled back after 1 s. release 7. green is worse.")
    back = replace(over, kind=OperationKind.ROLLBACK, reason=bad)
    assert Happening(NotificationEvent.ROLLBACK, back, 11.0, judge=bad).text.count(bad) == 1


def test_a_rollout_that_turns_back_is_a_rollback() -> None:
    """Once, when it begins to restore its servers."""
    undoing = replace(ROLLING, rollout=replace(ROLLING.rollout, undoing=True, why="b:1 is down"))  # type: ignore[type-var]
    before, after = State(operations={"op-1": ROLLING}), State(operations={"op-1": undoing})
    (back,) = happenings(Outcome(before, after), 5.0, lambda _: None)
    assert (back.event, back.identity) == (NotificationEvent.ROLLBACK, "op-1@10/rollback")
    assert back.text.startswith("shop: rolling deployment of blue to v2 by ada goes back. ")
    assert list(happenings(Outcome(after, State(operations={"op-1": undoing})), 6.0, lambda _: None)) == []


def test_what_ended_is_told_before_what_began() -> None:
    """A rollback ends the shift first."""
    over = replace(operation(1), state=OperationState.ROLLED_BACK, phase=Phase.ENDED)
    back = replace(operation(2, running=True), kind=OperationKind.ROLLBACK)
    outcome = Outcome(
        State(operations={"op-1": operation(1, running=True)}), State(operations={"op-2": back}), ended=(over,)
    )
    told = [(each.event.value, each.operation.id) for each in happenings(outcome, 5.0, lambda _: None)]
    assert told == [("end", "op-1"), ("rollback", "op-2")]
