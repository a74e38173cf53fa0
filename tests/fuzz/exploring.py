"""The same conversations, chosen by hypothesis: few, but it makes what fails small by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from tests.fuzz.choosing import conversation
from tests.fuzz.conversation import Conversation


def explore(
    agrees: Callable[[Conversation], bool], known: Sequence[Conversation], *, examples: int, seed: int | None = None
) -> Conversation | None:
    """The smallest conversation found that does not agree, or ``None``; without a seed the same ones every time."""

    def chosen(random: Random) -> Conversation:
        return conversation(random, known)

    wrong: list[Conversation] = []

    @settings(
        max_examples=examples,
        derandomize=seed is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(st.builds(chosen, st.randoms(use_true_random=False)))
    def check(example: Conversation) -> None:
        if not agrees(example):
            wrong.append(example)
            raise AssertionError

    try:
        (check if seed is None else seeded(seed)(check))()
    except (AssertionError, Flaky):
        return wrong[-1]
    return None
