"""Progressive delivery put together: what carries shifts on, asks their gates and judges the color that gains."""

from __future__ import annotations

from pathlib import Path

from proxy.control.admin.views import told
from proxy.control.clock import Clock
from proxy.control.controller import Controller
from proxy.control.doorkeeper import Doorkeeper
from proxy.control.fleet import Fleet
from proxy.control.gates.gatekeeper import Gatekeeper, GateOutcome
from proxy.control.gates.secret import read_secret
from proxy.control.judging import Judging
from proxy.control.predecessors import Retirement
from proxy.control.shifts import Shifts
from proxy.traffic.gates import Moment
from proxy.traffic.model import Operation


class Delivery:
    """Works from :meth:`start` to :meth:`stop`."""

    def __init__(
        self, controller: Controller, fleet: Fleet, clock: Clock, retirement: Retirement, gate_secret: Path | None
    ) -> None:
        """``gate_secret`` is the file that holds what webhooks are signed with; ``None``: they are not.

        Raises:
            ValueError, OSError: it cannot be read.
        """
        self.judging = Judging(controller, fleet, clock)
        self._clock = clock
        self._gatekeeper = Gatekeeper(secret=read_secret(gate_secret), clock=clock)
        self._doorkeeper = Doorkeeper(controller, self._ask)
        self._shifts = Shifts(
            controller,
            gates=self._doorkeeper,
            evidence=self.judging,
            clock=clock,
            alone=lambda: not retirement.left,
        )

    async def start(self) -> None:
        """Carry on what runs already, and what begins from now on. The workers have to serve."""
        await self._gatekeeper.start()
        self.judging.start()
        self._shifts.start()

    async def stop(self) -> None:
        """Leave everything where it is."""
        await self._shifts.stop()
        await self._doorkeeper.stop()
        await self.judging.stop()
        await self._gatekeeper.close()

    async def _ask(self, operation: Operation, moment: Moment) -> tuple[GateOutcome, ...]:
        return await self._gatekeeper.ask(operation, moment, told(operation, self._clock.wall()))
