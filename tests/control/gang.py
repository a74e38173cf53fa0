"""Real worker processes for tests of the control core."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from proxy.ipc.channel import Channel
from proxy.ipc.messages import Down
from proxy.shm.board import Board
from proxy.shm.meters import MeterRegion
from proxy.shm.totals import MeterTotals

ROOT = Path(__file__).parents[2]


class Gang:
    """Processes that acknowledge, as a :class:`proxy.control.fleet.Fleet`."""

    def __init__(self) -> None:
        self.totals = MeterTotals()
        self.acknowledged: Callable[[], None] = lambda: None
        self._channels: list[Channel] = []
        self._processes: list[asyncio.subprocess.Process] = []

    async def hire(self, board: Board) -> None:
        """Start one more process."""
        region = MeterRegion.create(cells=4096, directory=65_536)
        ours, theirs = socket.socketpair()
        with theirs:
            fds = (board.fd, region.fd, theirs.fileno())
            program = (sys.executable, "-m", "tests.control.acknowledger", *map(str, fds))
            self._processes.append(await asyncio.create_subprocess_exec(*program, pass_fds=fds, cwd=ROOT))
        self._channels.append(await Channel.open(ours, lambda _: self.acknowledged(), lambda _: self.acknowledged()))
        self.totals.add(region)

    def regions(self) -> Sequence[MeterRegion]:
        """The living workers' meters."""
        return self.totals.regions

    def send(self, message: Down) -> None:
        """Tell all of them."""
        for channel in self._channels:
            channel.send(message)

    async def dismiss(self) -> None:
        """End all of them."""
        for channel in self._channels:
            channel.close()
        for process in self._processes:
            await process.wait()


@asynccontextmanager
async def running_gang(board: Board, size: int) -> AsyncIterator[Gang]:
    """So many processes on a board that has been published to."""
    gang = Gang()
    try:
        for _ in range(size):
            await gang.hire(board)
        yield gang
    finally:
        await gang.dismiss()
