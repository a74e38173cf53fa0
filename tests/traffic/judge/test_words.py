from __future__ import annotations

import math

import pytest

from proxy.traffic.judge.power import rounded, to_clear, to_clear_share, to_show
from proxy.traffic.judge.words import duration, percent, requests, sure


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (0.021, "2.1 %"),
        (0.002, "0.2 %"),
        (0.00034, "0.034 %"),
        (0.05, "5 %"),
        (0.234, "23 %"),
        (0.9996, "99.9 %"),
        (1, "100 %"),
    ],
)
def test_shares_are_said_in_percent(share: float, words: str) -> None:
    """With as many digits as tell something."""
    assert percent(share) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0004, "0.4 ms"),
        (0.00996, "10 ms"),
        (0.0954, "95 ms"),
        (0.31, "310 ms"),
        (0.9999, "1.0 s"),
        (1.24, "1.2 s"),
        (9.97, "10 s"),
        (61, "61 s"),
    ],
)
def test_times_are_said_in_their_unit(seconds: float, words: str) -> None:
    """Milliseconds below one second."""
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("doubt", "words"), [(0.05, "95 %"), (0.001, "99.9 %"), (0.0009, "99.9 %"), (1e-4, "99.99 %"), (1e-30, "99.99 %")]
)
def test_certainty_is_rounded_down(doubt: float, words: str) -> None:
    """Nobody is told to be surer than the judge is."""
    assert sure(math.log(doubt)) == words


def test_numbers_of_requests() -> None:
    """Grouped by thousands, and in the singular where there is one."""
    assert (requests(1), requests(1_840)) == ("1 request", "1,840 requests")


@pytest.mark.parametrize(("number", "words"), [(0.2, 1), (96.5, 97), (1_234, 1_300), (56_001, 57_000)])
def test_a_guess_has_two_digits(number: float, words: int) -> None:
    """Rounded up: the last one may be the one that tells."""
    assert rounded(number) == words


def test_without_errors_a_bound_is_reached_soon() -> None:
    """Somewhat less than the 600 of the rule of three, which is two-sided; more where there are errors."""
    assert 500 < to_clear(0.0, 0.005, 0.1) < 600
    assert to_clear(0.0, 0.005, 0.1) < to_clear(0.01, 0.005, 0.1) < to_clear(0.05, 0.005, 0.1)
    assert to_clear(0.01, 0.005, 0.1) < to_clear(0.01, 0.005, 0.5)
    assert 250 < to_clear_share(0.0, 0.01) < 600


def test_a_large_difference_shows_sooner() -> None:
    """And none never."""
    assert to_show(1.0, 0.0, 0.1, 8.0) < 25 < to_show(0.01, 0.0, 0.1, 8.0) < to_show(0.01, 0.005, 0.1, 8.0)
    assert to_show(0.01, 0.01, 0.1, 8.0) == math.inf
