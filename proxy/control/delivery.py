"""Progressive delivery put together: what carries shifts and rollouts on, asks their gates, runs hooks, and judges."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.config.settings import NotificationSettings
from proxy.control.admin.views import told
from proxy.control.clock import Clock
from proxy.control.controller import Controller
from proxy.control.doorkeeper import Doorkeeper
from proxy.control.fleet import Fleet
from proxy.control.gates.gatekeeper import Gatekeeper, GateOutcome
from proxy.control.gates.secret import read_secret
from proxy.control.hooks.hooks import Hooks
from proxy.control.hooks.versions import read_version
from proxy.control.judging import Judging
from proxy.control.notifications.notifications import Notifications, Sayings
from proxy.control.predecessors import Retirement
from proxy.control.rollouts.means import Means
from proxy.control.rollouts.rollouts import Rollouts
from proxy.control.shifts import Shifts
from proxy.logs.log import EventLog
from proxy.traffic.gates import Moment
from proxy.traffic.model import Operation


@dataclass(frozen=True, slots=True)
class Orders:
    """What the config says about it."""

    secret_file: Path | None
    """Holds what webhooks are signed with; ``None``: they are not."""
    folder: Path
    """Where the programs of hooks are run."""
    commands: Callable[[], Sequence[str]]
    """The programs that hooks may run, as the config file has them now."""
    unfit: Callable[[Sequence[str]], Awaitable[str | None]]
    """Why one of some addresses, at which servers came back, cannot be an upstream; ``None`` if all can."""
    targets: Callable[[], Sequence[NotificationSettings]]
    """Who is told about operations, as the config file has it now."""
    page: str | None
    """Where people find the web page; ``None``: nobody said."""


class Delivery:
    """Works from :meth:`start` to :meth:`stop`."""

    def __init__(
        self,
        controller: Controller,
        fleet: Fleet,
        clock: Clock,
        retirement: Retirement,
        orders: Orders,
        log: EventLog,
    ) -> None:
        """Nothing is carried on yet.

        Raises:
            ValueError, OSError: the secret cannot be read.
        """
        secret = read_secret(orders.secret_file)
        self.judging = Judging(controller, fleet, clock)
        self._controller = controller
        self._clock = clock
        sayings = Sayings(orders.targets, orders.page, told, self.judging.verdict, secret)
        self.notifications = Notifications(sayings, clock, log)
        self._gatekeeper = Gatekeeper(secret=secret, clock=clock)
        self._hooks = Hooks(
            secret, clock, folder=orders.folder, allowed=orders.commands, unfit=orders.unfit, tell=self._tell
        )
        self._doorkeeper = Doorkeeper(controller, self._ask)
        self._shifts = Shifts(
            controller,
            gates=self._doorkeeper,
            evidence=self.judging,
            clock=clock,
            alone=lambda: not retirement.left,
        )
        self._rollouts = Rollouts(
            Means(
                controller=controller,
                fleet=fleet,
                gates=self._doorkeeper,
                hooks=self._hooks,
                read_version=read_version,
                clock=clock,
                alone=lambda: not retirement.left,
            )
        )

    async def start(self) -> None:
        """Carry on what runs already, and what begins from now on. The workers have to serve."""
        await self._gatekeeper.start()
        await self._hooks.start()
        await self.notifications.start()
        self._controller.on_change(self.notifications.follow)  # before the judge, who forgets what has ended
        self.judging.start()
        self._shifts.start()
        self._rollouts.start()

    def let_go(self) -> None:
        """The program is about to stop: no server is touched any more, and a hook that runs is broken off."""
        self._rollouts.let_go()

    async def stop(self) -> None:
        """Leave everything where it is."""
        await self._rollouts.stop()
        await self._shifts.stop()
        await self._doorkeeper.stop()
        await self.judging.stop()
        await self._hooks.close()
        await self._gatekeeper.close()
        await self.notifications.stop()

    async def _ask(self, operation: Operation, moment: Moment) -> tuple[GateOutcome, ...]:
        return await self._gatekeeper.ask(operation, moment, self._tell(operation))

    def _tell(self, operation: Operation) -> dict[str, Any]:
        return told(operation, self._clock.wall())
