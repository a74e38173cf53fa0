from __future__ import annotations

import asyncio

import pytest

from proxy.control.page.moments import LASTS, MOST, Moments
from tests.control.page.hands import Hands


class Maker:
    """Counts how often something is made."""

    def __init__(self) -> None:
        self.made = 0
        self.error: Exception | None = None

    async def __call__(self) -> int:
        """Make it."""
        self.made += 1
        number = self.made
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return number


async def test_many_who_ask_at_once_get_one_thing() -> None:
    """It is made once."""
    moments, make = Moments[int](Hands()), Maker()
    assert await asyncio.gather(*(moments.get("page", make) for _ in range(100))) == [1] * 100
    assert make.made == 1


async def test_a_moment_later_it_is_made_anew() -> None:
    """And for another key at once."""
    clock, make = Hands(), Maker()
    moments = Moments[int](clock)
    assert [await moments.get("a", make), await moments.get("b", make), await moments.get("a", make)] == [1, 2, 1]
    clock.now += LASTS
    assert await moments.get("a", make) == 3


async def test_a_failure_is_told_and_not_kept() -> None:
    """Whoever asks next may be luckier."""
    moments, make = Moments[int](Hands()), Maker()
    make.error = OSError("no")
    results = await asyncio.gather(*(moments.get("a", make) for _ in range(3)), return_exceptions=True)
    assert results == [make.error] * 3
    make.error = None
    assert await moments.get("a", make) == 2


async def test_who_goes_away_takes_nothing_from_others() -> None:
    """A browser that is closed while its page is made."""
    moments, make = Moments[int](Hands()), Maker()
    first = asyncio.create_task(moments.get("a", make))
    second = asyncio.create_task(moments.get("a", make))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_little_is_kept() -> None:
    """Whatever addresses somebody thinks of."""
    moments, make = Moments[int](Hands()), Maker()
    for number in range(MOST + 1):
        await moments.get(number, make)
    assert await moments.get(0, make) == MOST + 2
    assert await moments.get(MOST, make) == MOST + 1
