"""A bell: wakes everybody who waits for something to have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Bell:
    """Rung after every change of some value. Whoever waits looks at the value again; nothing is handed over."""

    __slots__ = ("_rung",)

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake all who wait now. Those who begin to wait later are not concerned."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, timeout: float | None = None) -> None:
        """Return at the next ring, or after ``timeout`` seconds."""
        rung = self._rung
        try:
            async with asyncio.timeout(timeout):
                await rung.wait()
        except TimeoutError:
            pass

    async def until(self, condition: Callable[[], bool], *, seconds: float, recheck: float | None = None) -> bool:
        """Whether a condition came true within some seconds. It is looked at after each ring.

        Args:
            condition: what to wait for.
            seconds: how long to wait at most.
            recheck: look every so many seconds as well, for conditions that may change unheard.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not condition():
            left = deadline - loop.time()
            if left <= 0:
                return False
            await self.wait(left if recheck is None else min(left, recheck))
        return True
