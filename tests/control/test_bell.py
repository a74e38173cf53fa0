from __future__ import annotations

import asyncio

from proxy.control.bell import Bell


async def test_a_ring_wakes_all_who_wait() -> None:
    """However many wait, one ring is enough."""
    bell, heard = Bell(), []

    async def wait(name: int) -> None:
        await bell.wait()
        heard.append(name)

    waiting = [asyncio.create_task(wait(name)) for name in range(3)]
    await asyncio.sleep(0)
    bell.ring()
    await asyncio.gather(*waiting)
    assert sorted(heard) == [0, 1, 2]


async def test_a_wait_ends_without_a_ring() -> None:
    """At its timeout a wait just returns."""
    await Bell().wait(0.001)


async def test_until_looks_again_after_each_ring() -> None:
    """The condition decides, not the ring."""
    bell, value = Bell(), [0]

    async def count() -> None:
        for number in range(1, 4):
            await asyncio.sleep(0)
            value[0] = number
            bell.ring()

    counting = asyncio.create_task(count())
    assert await bell.until(lambda: value[0] == 3, seconds=10)
    await counting


async def test_until_gives_up() -> None:
    """A condition that does not come true is told so."""
    assert not await Bell().until(lambda: False, seconds=0.002)


async def test_until_looks_by_itself_where_asked_to() -> None:
    """A change that nobody rang for is found at the next recheck."""
    value = [0]
    asyncio.get_running_loop().call_later(0.002, value.__setitem__, 0, 1)
    assert await Bell().until(lambda: value[0] == 1, seconds=10, recheck=0.001)
