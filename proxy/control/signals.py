"""Signals. A handler only puts the signal in a queue; what it means is done outside, one after the other."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog

STOP = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """The signals that this program understands, in the order in which they came."""

    def __init__(self) -> None:
        """Catch them from now on, on the running loop."""
        self._queue: asyncio.Queue[signal.Signals] = asyncio.Queue()
        self._stops: asyncio.Queue[signal.Signals] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        for number in STOP:
            loop.add_signal_handler(number, self._stop, number)
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            loop.add_signal_handler(number, self._queue.put_nowait, number)

    def _stop(self, number: signal.Signals) -> None:
        self._queue.put_nowait(number)
        self._stops.put_nowait(number)

    async def until_stop(
        self, *, reload: Callable[[], Awaitable[None]], reopen: Callable[[], None], log: EventLog
    ) -> signal.Signals:
        """Do what signals ask for until one says stop, which is returned."""
        while True:
            number = await self._queue.get()
            match number:
                case signal.SIGHUP:
                    await reload()
                case signal.SIGUSR1:
                    reopen()
                case signal.SIGUSR2:
                    log.warning(LogEvent.SIGNAL_IGNORED, signal=number.name, error="not supported yet")
                case _:
                    self._stops.get_nowait()
                    return number

    async def next_stop(self) -> signal.Signals:
        """The next signal that says stop, after the first."""
        return await self._stops.get()
