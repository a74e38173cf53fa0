"""Workers for tests of the control core: real boards, real meters, no sockets.

They live in the test's own loop and do what a worker does between requests: look at the board when woken, show what
they have seen, count requests in and out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from proxy.dataplane.accounting import Aside, ColorMeters, cohort_meters
from proxy.ipc.messages import Down, Wake
from proxy.shm.board import Board, BoardView
from proxy.shm.meters import SEEN, MeterRegion, Meters
from proxy.shm.names import Outcome, Series
from proxy.shm.totals import MeterTotals
from proxy.traffic.model import Cohort
from proxy.traffic.spec import Color
from proxy.traffic.table import RoutingTable
from proxy.traffic.table_codec import decode_table


class Request:
    """Something in flight in a worker."""

    def __init__(self, worker: CrewWorker, color: Color, address: str, *, tunnel: bool) -> None:
        self._worker = worker
        self._color = color
        self._gauges = (
            (Series.TUNNELS if tunnel else Series.IN_FLIGHT, "shop", color.value),
            (Series.UPSTREAM_IN_FLIGHT, "shop", color.value, address),
            *([(Series.UPSTREAM_TUNNELS, "shop", color.value, address)] if tunnel else []),
        )
        worker.count(1, Series.ADMITTED, "shop", color.value)
        for gauge in self._gauges:
            worker.count(1, *gauge)

    def retry(self) -> None:
        """Try it once more."""
        self._worker.count(1, Series.RETRIES, "shop", self._color.value, "reset")

    def end(self, outcome: Outcome = Outcome.FINISHED) -> None:
        """Count it out."""
        self._worker.count(1, Series.ENDED, "shop", self._color.value, outcome.value)
        for gauge in self._gauges:
            self._worker.count(-1, *gauge)


class CrewWorker:
    """One worker. While it is ``asleep`` it does not look at the board."""

    def __init__(self, board: Board) -> None:
        self.region = MeterRegion.create(cells=4096, directory=65_536)
        self._meters = Meters.attach(self.region.fd)
        self._view = BoardView.attach(board.fd)
        self.table: RoutingTable | None = None
        self.asleep = False

    def look(self) -> None:
        """Take over the table on the board, and show it."""
        if not self.asleep:
            generation, payload = self._view.read()
            self._meters.cells[SEEN] = generation
            self.table = decode_table(payload)

    def count(self, by: int, *name: str) -> None:
        """Add to a cell."""
        self._meters.cells[self._meters.cell(*name)] += by

    def answer(
        self, requests: int, errors: int = 0, *, color: Color = Color.BLUE, cohort: Cohort | None = None
    ) -> None:
        """Answer so many requests within 10 ms, and so many of them with 5xx: of a color, or of one cohort of it."""
        meters: ColorMeters | Aside = ColorMeters(self._meters, "shop", color)
        if cohort is not None:
            meters = cohort_meters(self._meters, "shop", color, cohort)
        for number in range(requests):
            status = 500 if number < errors else 200
            meters.first_byte(0.01)
            if isinstance(meters, ColorMeters):
                meters.answered(status, b"GET", 0.01, 0, 0)
            else:
                meters.answered(status)

    def admit(self, color: Color = Color.BLUE, address: str = "a:1", *, tunnel: bool = False) -> Request:
        """Begin a request."""
        return Request(self, color, address, tunnel=tunnel)


class Crew:
    """All workers, as a :class:`proxy.control.fleet.Fleet`."""

    def __init__(self, board: Board, *, size: int = 2) -> None:
        self.totals = MeterTotals()
        self.workers = [CrewWorker(board) for _ in range(size)]
        self.sent: list[Down] = []
        self.acknowledged: Callable[[], None] = lambda: None
        for worker in self.workers:
            self.totals.add(worker.region)

    def regions(self) -> Sequence[MeterRegion]:
        """The living workers' meters."""
        return self.totals.regions

    def send(self, message: Down) -> None:
        """Wakes are acted upon in the loop's next round; all else is only noted down."""
        if isinstance(message, Wake):
            asyncio.get_running_loop().call_soon(self.look)
        else:
            self.sent.append(message)

    def look(self) -> None:
        """Let every worker that is not asleep look at the board."""
        for worker in self.workers:
            worker.look()
        self.acknowledged()

    def kill(self, worker: CrewWorker) -> None:
        """A worker dies with all that it has in flight."""
        self.workers.remove(worker)
        self.totals.retire(worker.region)
        self.acknowledged()

    def close(self) -> None:
        """Let go of their memory. To be called once nothing looks at it any more."""
        for worker in self.workers:
            worker.region.close()
        self.workers = []
