"""Signals. A handler only puts the signal in a queue; what it means is done outside, one after the other.

Those that say stop have a queue of their own: they never wait for a reload that takes long.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog

STOP = (signal.SIGTERM, signal.SIGINT)
OTHERS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class Signals:
    """The signals that this program understands, in the order in which they came."""

    def __init__(self) -> None:
        """Catch them from now on, on the running loop."""
        self._stops: asyncio.Queue[signal.Signals] = asyncio.Queue()
        self._others: asyncio.Queue[signal.Signals] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        for numbers, queue in ((STOP, self._stops), (OTHERS, self._others)):
            for number in numbers:
                loop.add_signal_handler(number, queue.put_nowait, number)

    async def next_stop(self) -> signal.Signals:
        """The next signal that says stop."""
        return await self._stops.get()

    async def act(self, *, reload: Callable[[], Awaitable[object]], reopen: Callable[[], None], log: EventLog) -> None:
        """Do what the other signals ask for, for ever; what goes wrong is logged."""
        while True:
            number = await self._others.get()
            try:
                match number:
                    case signal.SIGHUP:
                        await reload()
                    case signal.SIGUSR1:
                        reopen()
                    case _:
                        log.warning(LogEvent.SIGNAL_IGNORED, signal=number.name, error="not supported yet")
            except Exception as error:  # noqa: BLE001 - no signal may end the program by a fault of ours
                log.error(LogEvent.UNEXPECTED, error=repr(error), where=number.name)
