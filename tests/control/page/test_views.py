from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.control.page.cards.drain import Holder, drain
from proxy.control.page.cards.rollout import Server, most_telling
from proxy.control.page.figures import UNKNOWN, rate_words, share_words, time_words
from proxy.control.page.paging import Here, sliced
from proxy.control.page.upstreams import pool_rows
from proxy.traffic.model import Health, Upstream
from proxy.traffic.rollout.stages import Stage


@pytest.mark.parametrize(("rate", "words"), [(0.0, "0"), (0.42, "0.4"), (9.96, "10"), (12345.6, "12,346")])
def test_rates(rate: float, words: str) -> None:
    """As exactly as anybody wants to know."""
    assert rate_words(rate) == words


@pytest.mark.parametrize(
    ("errors", "requests", "words"),
    [
        (0.0, 10.0, "0 %"),
        (0.01, 10.0, "0.1 %"),
        (5.0, 10.0, "50 %"),
        (0.0, 0.0, UNKNOWN),
        (math.nan, 1.0, UNKNOWN),
    ],
)
def test_shares(errors: float, requests: float, words: str) -> None:
    """A few errors are not rounded away, and none of no requests is not good news."""
    assert share_words(errors, requests) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0004, "0.4 ms"), (0.0123, "12 ms"), (1.25, "1.2 s"), (math.nan, UNKNOWN)]
)
def test_times(seconds: float, words: str) -> None:
    """In the unit that fits."""
    assert time_words(seconds) == words


@pytest.mark.parametrize(
    ("count", "page", "rows", "neighbors"),
    [
        (0, 1, [], (None, None)),
        (2, 1, [0, 1], (None, None)),
        (5, 1, [0, 1], (None, "2")),
        (5, 2, [2, 3], ("1", "3")),
        (5, 3, [4], ("2", None)),
        (5, 9, [4], ("2", None)),
    ],
)
def test_pages(count: int, page: int, rows: list[int], neighbors: tuple[str | None, str | None]) -> None:
    """Each row on one page, and the way to the next."""
    found = sliced(range(count), page, str, rows=2)
    assert list(found.rows) == rows
    assert (found.previous, found.next) == neighbors
    assert found.last == (rows[-1] + 1 if rows else 0)


def test_an_address_says_only_what_it_has_to() -> None:
    """And what it says is escaped."""
    here = Here("/", {"blue": 1, "green": 3, "find": "a&b"})
    assert here.with_() == "/?green=3&find=a%26b"
    assert here.with_(green=1, find="") == "/"


def test_the_most_telling_servers() -> None:
    """Those that are worked on, then failed ones; in their order."""
    stages = ["serving", "done", "failed", "updating", "serving", "watched"]
    servers = [Server(str(n), stage, stage, None, None, 0, "", None) for n, stage in enumerate(stages)]
    assert [each.address for each in most_telling(servers, 3)] == ["2", "3", "5"]
    assert len(most_telling(servers, 10)) == 6


@pytest.mark.parametrize(
    ("stage", "notes"), [(Stage.SERVING, ()), (Stage.DONE, ()), (Stage.WATCHED, ("watched",)), (None, ())]
)
def test_an_upstream_that_serves_as_ever_is_not_conspicuous(stage: Stage | None, notes: tuple[str, ...]) -> None:
    """Beside those that are being updated only they stand out."""
    upstream = Upstream("a:1", health=Health.HEALTHY)
    (row,) = pool_rows([upstream], lambda _: (0, 0), {"a:1": stage} if stage else {}, 1, str).rows
    assert row.notes == notes


def test_the_upstreams_of_a_drain() -> None:
    """Long-lived connections first, and not all of a thousand."""

    def holders(left: dict[str, Any]) -> Iterator[Holder]:
        yield from (Holder(f"{left['color']}:{n}", left["color"], 20 - n, n % 2) for n in range(20))

    progress = {"phase": "draining", "in_flight": 3, "tunnels": 0, "deadline_at": 9.0, "tunnels_deadline_at": 99.0}
    found = drain({"progress": progress, "leaving": [{"color": "blue"}], "receipt": {"in_flight_at_flip": 5}}, holders)
    assert found is not None
    assert [each.address for each in found.holders] == [f"blue:{n}" for n in range(1, 20, 2)]
    assert (found.more, found.left, found.began) == (10, 3, 5)
    assert (found.requests_until, found.tunnels_until) == (9.0, None)
