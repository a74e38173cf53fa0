"""A short run that is the same every time; `make fuzz` is the long one, and another each time."""

from __future__ import annotations

import asyncio
from random import Random

from tests.fuzz.choosing import conversation
from tests.fuzz.conversation import Conversation
from tests.fuzz.exploring import explore
from tests.fuzz.rig import Rig
from tests.fuzz.run import AT_ONCE, Tally, batch, seeds

Started = tuple[Rig, asyncio.Runner]


def test_random_conversations(rig: Started) -> None:
    """What is accepted is read by a second parser as what was sent, and everything else is refused."""
    front, runner = rig
    random, known, tally = Random(1), seeds(), Tally()
    for _ in range(40):
        runner.run(batch(front, [conversation(random, known) for _ in range(AT_ONCE)], tally))
    assert (tally.disagreements, tally.crashes) == ([], [])
    assert tally.accepted > 1000
    assert tally.refused > 300


def test_conversations_chosen_by_hypothesis(rig: Started) -> None:
    """The same, with the smallest example where there is one that fails."""
    front, runner = rig
    tally = Tally()

    def agrees(example: Conversation) -> bool:
        return not runner.run(batch(front, [example], tally))

    wrong = explore(agrees, seeds(), examples=150)
    assert (wrong, tally.crashes, tally.disagreements) == (None, [], [])
