from __future__ import annotations

from typing import Any

import pytest

from proxy.wording.numbers import rate_words
from proxy.wording.receipts import loss_words

DIED = "with a worker that died (our fault)"

NOTHING: dict[str, Any] = {
    "in_flight_at_flip": 0,
    "finished_on_old": 0,
    "cut_by_proxy": 0,
    "cut_by_client": 0,
    "failed": 0,
    "dropped": 0,
    "held_too_long": None,
    "drained_at": 2.0,
}


@pytest.mark.parametrize(
    ("counted", "words"),
    [
        ({}, ["0 dropped"]),
        ({"in_flight_at_flip": 7, "finished_on_old": 7}, ["0 dropped; 7 of 7 in flight finished"]),
        (
            {"in_flight_at_flip": 9, "finished_on_old": 2, "dropped": 3, "drained_at": None},
            [f"3 dropped {DIED}; 2 of 9 in flight finished, 4 were under way when it ended"],
        ),
        (
            {"in_flight_at_flip": 3, "cut_by_proxy": 1, "failed": 1, "cut_by_client": 1, "held_too_long": 2000},
            [
                "0 dropped; 0 of 3 in flight finished",
                "1 cut at the drain's deadline (our fault)",
                "2,000 turned away with 503 by the bounds of the hold (our fault)",
                "1 failed by an upstream (the upstream's fault)",
                "1 given up by a client (the client's fault)",
            ],
        ),
    ],
)
def test_what_was_lost_and_by_whose_fault(counted: dict[str, Any], words: list[str]) -> None:
    """What did not end well is told with whose fault it was, ours before that of others."""
    assert loss_words({"ended_at": 2.0, "receipt": {**NOTHING, **counted}}) == words


def test_what_cannot_be_told() -> None:
    """Nothing is promised of what still runs, nor of what was counted by a program that is gone."""
    assert loss_words({"ended_at": None, "receipt": NOTHING}) == ["it is not over: the receipt is written at its end"]
    assert loss_words({"ended_at": 2.0, "receipt": None}) == ["no receipt: what was counted is lost"]


@pytest.mark.parametrize(
    ("rate", "words"),
    [(0, "0"), (0.01, "<0.1"), (0.44, "0.4"), (4.0, "4.0"), (9.97, "10"), (84.4, "84"), (12_345.6, "12,346")],
)
def test_rates(rate: float, words: str) -> None:
    """A rate that is not nothing never looks like it."""
    assert rate_words(rate) == words
