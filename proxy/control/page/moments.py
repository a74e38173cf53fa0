"""What was made a moment ago, for everybody who asks for the same: a hundred open pages cost little more than one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from proxy.control.clock import Clock

T = TypeVar("T")

LASTS: Final = 0.5
"""Seconds for which something that was made is shown again."""

MOST: Final = 64
"""Things that are kept."""


class Moments(Generic[T]):
    """Things by what they are made for. Who asks while one is being made waits for the same."""

    def __init__(self, clock: Clock) -> None:
        """Nothing was made yet."""
        self._clock = clock
        self._made: dict[Hashable, tuple[float, asyncio.Future[T]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What was made for the key a moment ago, or now. A failure is told to those who wait, and not kept."""
        now = self._clock.monotonic()
        until, made = self._made.get(key, (now, None))
        if made is None or until <= now:
            made = asyncio.ensure_future(make())
            made.add_done_callback(lambda done: self._forget_failure(key, done))
            self._keep(key, now + LASTS, made)
        return await asyncio.shield(made)

    def _keep(self, key: Hashable, until: float, made: asyncio.Future[T]) -> None:
        self._made.pop(key, None)
        while len(self._made) >= MOST:
            del self._made[next(iter(self._made))]
        self._made[key] = until, made

    def _forget_failure(self, key: Hashable, done: asyncio.Future[T]) -> None:
        failed = done.cancelled() or done.exception() is not None
        if failed and self._made.get(key, (0.0, None))[1] is done:
            del self._made[key]
