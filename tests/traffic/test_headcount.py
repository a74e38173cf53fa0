"""Counting users without a list of them."""

from __future__ import annotations

import random

import pytest

from proxy.traffic.headcount import headcount

NOW = 1_700_000_000.0
MINUTE = int(NOW // 60)


def visited(rng: random.Random, users: int, *, minute: int = MINUTE) -> list[int]:
    """The cells after so many different users came."""
    cells = [0] * 8192
    for _ in range(users):
        cells[rng.getrandbits(13)] = minute
    return cells


@pytest.mark.parametrize("users", [0, 1, 10, 300, 3_000, 20_000])
def test_the_count_is_right_within_some_percent(users: int) -> None:
    """Twenty draws of each size are never off by more than 4 %, or one user."""
    rng = random.Random(users)
    counts = [headcount(visited(rng, users), NOW, 600) for _ in range(20)]
    assert all(abs(count - users) <= max(1, users * 0.04) for count in counts)
    assert sum(counts) / 20 == pytest.approx(users, rel=0.01)


def test_who_has_left_does_not_count() -> None:
    """Only those who came within the time do, and a user who comes back is still one."""
    cells = visited(random.Random(1), 500, minute=MINUTE - 30)
    cells[7] = MINUTE - 9
    assert headcount(cells, NOW, 600) == 1
    assert headcount(cells, NOW + 120, 600) == 0


def test_a_full_house_has_a_least_number() -> None:
    """With no cell empty the count is finite, and large."""
    assert headcount([MINUTE] * 8192, NOW, 600) > 70_000
    assert headcount([], NOW, 600) == 0
