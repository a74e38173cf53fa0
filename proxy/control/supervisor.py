"""The supervisor: puts the control plane together, starts the workers, and takes everything down again in order.

Up: store -> state -> sockets -> board and workers -> health checks -> admin API.
Down: the admin API says that it is not ready -> workers finish -> everything else closes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from signal import Signals as Signal

import uvloop

from proxy import __version__
from proxy.config import Settings
from proxy.config.addresses import Address
from proxy.config.files import base_folder
from proxy.control.admin.auth import Token, read_tokens
from proxy.control.admin.context import AdminContext
from proxy.control.admin.preflight import unfit
from proxy.control.admin.server import AdminServer
from proxy.control.chronicle import Chronicle
from proxy.control.clock import SystemClock
from proxy.control.controller import Controller
from proxy.control.delivery import Delivery, Orders
from proxy.control.ejections import Ejections
from proxy.control.events import Events
from proxy.control.health import HealthMonitor
from proxy.control.load import Loads
from proxy.control.metrics.processes import ProcessTimes
from proxy.control.metrics.rendering import Metrics
from proxy.control.metrics.sources import OperationCounts, Sources
from proxy.control.predecessors import MARK, Retirement, find_predecessors, mark_of, mark_worker, steer_here
from proxy.control.publisher import Publisher, TableTooLarge
from proxy.control.reload import Reloader
from proxy.control.signals import Signals
from proxy.control.sockets import Listener, ListenError, close_listeners, listen_on, open_listeners, turn_away
from proxy.control.store.base import StoreError
from proxy.control.store.recall import recall
from proxy.control.store.sqlite import SqliteStore
from proxy.control.tracing.exporter import Exporter
from proxy.control.worker import LaunchPlan, worker_command, worker_environment
from proxy.control.workers import BootFailed, Workers
from proxy.ipc.messages import ReopenLogs, Suspect
from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog, LibraryHandler, standard_error
from proxy.shm.addresses import AddressTable
from proxy.shm.board import Board

WORKERS_SHARE = 0.95
"""Of the grace period; the rest is for closing everything else."""

FIRST_ROUND = 5.0
"""Seconds that the start waits at most for the first health check of every upstream."""

STARTING_TROUBLE = (BootFailed, ListenError, StoreError, TableTooLarge, OSError, ValueError)


def run(settings: Settings, config_path: Path) -> int:
    """Run the front door until it is told to stop; gives the exit code: 0, or 1 if it could not start."""
    log = standard_error()
    logging.getLogger().addHandler(LibraryHandler(log))
    return uvloop.run(_run(settings, config_path, log))


async def _run(settings: Settings, config_path: Path, log: EventLog) -> int:
    log.info(LogEvent.STARTING, version=__version__, config=str(config_path), pid=os.getpid())
    signals = Signals()
    stop = asyncio.create_task(signals.next_stop())
    async with AsyncExitStack() as stack:
        supervisor = Supervisor(settings, config_path, log, stack)
        starting = asyncio.create_task(supervisor.start())
        await asyncio.wait({starting, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            log.info(LogEvent.STOPPING, signal=stop.result().name, grace=0.0)
            starting.cancel()
        try:
            await starting
        except asyncio.CancelledError:
            return 0
        except STARTING_TROUBLE as error:
            log.error(LogEvent.START_FAILED, error=str(error))
            return 1
        await supervisor.serve(stop, signals)
    return 0


@dataclass(frozen=True, slots=True)
class _Serving:
    """What the start has brought up."""

    controller: Controller
    store: SqliteStore
    events: Events
    delivery: Delivery
    tokens: tuple[Token, ...]


class Supervisor:
    """Holds what has to live as long as the program."""

    def __init__(self, settings: Settings, config_path: Path, log: EventLog, stack: AsyncExitStack) -> None:
        """What is started is undone by ``stack``, in reverse order."""
        self._settings = settings
        self._config_path = config_path
        self._log = log
        self._stack = stack
        self._clock = SystemClock()
        self._retirement = Retirement(log)
        self._stopping = False

    async def start(self) -> None:
        """Come up. Raises one of ``STARTING_TROUBLE`` when that is not possible."""
        settings, stack = self._settings, self._stack
        tokens = read_tokens(settings.admin.tokens)
        store = await SqliteStore.open(settings.state_path, now=self._clock.wall())
        stack.push_async_callback(store.close)
        state = await recall(store, settings.door, settings.services)
        mark = mark_of(settings.state_path)
        predecessors = find_predecessors(mark)
        listeners = self._listen(beside_predecessors=bool(predecessors))
        admin_sockets = listen_on(settings.admin.listen, shared=bool(predecessors), mode=0o600)
        stack.callback(_close_all, admin_sockets)
        events = Events(self._clock)
        workers, publisher = self._crew(listeners, mark)
        controller = self._controller = Controller(
            state,
            store=store,
            publisher=publisher,
            fleet=workers,
            events=events,
            clock=self._clock,
            alone=lambda: not self._retirement.left,
        )
        stack.push_async_callback(controller.stop)
        await controller.start()
        self._watch_upstreams(controller)
        self._reloader = Reloader(self._config_path, settings, controller, self._clock, self._log)
        await workers.start(self._worker_count())
        await self._monitor.first_round(FIRST_ROUND)  # so that a command given at once is not refused for want of news
        self._retire(predecessors, mark, listeners)
        controller.resume()
        delivery = self._delivery = Delivery(
            controller, workers, self._clock, self._retirement, self._orders(), self._log
        )
        stack.push_async_callback(delivery.stop)
        self._tell_of(controller, events, delivery)
        await delivery.start()
        serving = _Serving(controller, store, events, delivery, tokens)
        admin = await AdminServer.start(self._admin_context(serving), admin_sockets)
        stack.push_async_callback(admin.stop)
        self._log.info(
            LogEvent.READY,
            listen=[listener.name for listener in listeners],
            admin=str(settings.admin.listen),
            workers=len(workers.pids),
            generation=controller.state.generation,
        )

    def _tell_of(self, controller: Controller, events: Events, delivery: Delivery) -> None:
        """Write down what happens, from before anything goes on by itself: the judge forgets what has ended."""
        chronicle = Chronicle(self._log, delivery.judging.verdict)
        controller.on_change(chronicle.follow)
        events.listen(chronicle.hear)

    def _orders(self) -> Orders:
        """What the config says about delivery: which programs may be run, and who is told, it may say anew."""
        settings, own = self._settings, (self._settings.admin.listen, *self._front)
        return Orders(
            settings.gate_secret_file,
            base_folder(str(self._config_path)),
            lambda: self._reloader.settings.hook_commands,
            lambda addresses: unfit(self._monitor, own, addresses),
            lambda: self._reloader.settings.notifications,
            settings.admin.url,
        )

    @property
    def _front(self) -> tuple[Address, ...]:
        return tuple(place.address for place in self._settings.listen)

    def _admin_context(self, serving: _Serving) -> AdminContext:
        """What the admin API works with."""
        judging, loads = serving.delivery.judging, self._watch_load(serving.controller)
        return AdminContext(
            controller=serving.controller,
            store=serving.store,
            events=serving.events,
            fleet=self._workers,
            publisher=self._publisher,
            reloading=self._reloader,
            probing=self._monitor,
            metrics=self._metrics().render,
            obstacles=self._obstacles,
            listen=self._settings.admin.listen,
            front=self._front,
            tokens=serving.tokens,
            verdict=judging.verdict,
            settled_left=judging.settled_left,
            baseline=judging.baseline,
            hook_commands=lambda: self._reloader.settings.hook_commands,
            load=loads.of,
            series=loads.series,
        )

    def _watch_upstreams(self, controller: Controller) -> None:
        """By probes, and by what workers tell of real requests."""
        self._monitor = HealthMonitor(controller, self._log)
        self._ejections = Ejections(controller, self._monitor, self._log)
        self._monitor.start()
        self._stack.push_async_callback(self._monitor.stop)
        self._stack.push_async_callback(self._ejections.stop)

    def _watch_load(self, controller: Controller) -> Loads:
        loads = Loads(self._workers, lambda: controller.state.services, self._clock)
        loads.start()
        self._stack.push_async_callback(loads.stop)
        return loads

    async def serve(self, stop: asyncio.Task[Signal], signals: Signals) -> None:
        """Serve until ``stop`` is done; then finish what is in flight. A second signal ends that at once."""
        acting = asyncio.create_task(signals.act(reload=self._reload, reopen=self._reopen, log=self._log))
        number = await stop
        acting.cancel()
        grace = self._reloader.settings.shutdown_grace
        self._stopping = True
        self._log.info(LogEvent.STOPPING, signal=number.name, grace=grace)
        began = self._clock.monotonic()
        cut = await self._stop_workers(grace * WORKERS_SHARE, signals)
        self._log.info(LogEvent.STOPPED, cut=cut, seconds=round(self._clock.monotonic() - began, 3))

    async def _stop_workers(self, grace: float, signals: Signals) -> int:
        """Gives how many requests were cut."""
        turn_away(self._listeners)
        self._delivery.let_go()
        await self._controller.let_go()
        finishing = asyncio.create_task(self._workers.stop(grace))
        again = asyncio.create_task(signals.next_stop())
        await asyncio.wait({finishing, again}, return_when=asyncio.FIRST_COMPLETED)
        if finishing.done():
            again.cancel()
            return finishing.result()
        self._log.warning(LogEvent.STOPPING_NOW, signal=again.result().name)
        finishing.cancel()
        return await self._workers.kill()

    def _listen(self, *, beside_predecessors: bool) -> tuple[Listener, ...]:
        self._listeners = open_listeners(self._settings.listen, beside_predecessors=beside_predecessors)
        self._stack.callback(close_listeners, self._listeners)
        return self._listeners

    def _crew(self, listeners: Sequence[Listener], mark: str) -> tuple[Workers, Publisher]:
        board = Board.create()
        self._stack.callback(board.close)
        addresses = AddressTable.create(self._worker_count())
        self._stack.callback(addresses.close)
        self._exporter = Exporter(lambda: self._reloader.settings.otlp, self._log)
        self._stack.push_async_callback(self._exporter.stop)
        environment = worker_environment(os.environ, **{MARK: mark_worker(mark)})
        plan = LaunchPlan(worker_command(), environment, board.fd, addresses, listeners, self._worker_count())
        self._workers = Workers(
            plan,
            log=self._log,
            acknowledged=self._acknowledged,
            suspect=self._suspected,
            export=self._exporter.take,
        )
        self._publisher = Publisher(board, self._workers)
        self._stack.push_async_callback(self._workers.kill)
        return self._workers, self._publisher

    def _acknowledged(self) -> None:
        self._publisher.acknowledged()

    def _suspected(self, report: Suspect) -> None:
        self._ejections.suspect(report)

    def _metrics(self) -> Metrics:
        operations = OperationCounts()
        self._controller.on_change(operations.follow)
        return Metrics(
            Sources(
                self._controller,
                self._workers,
                self._monitor,
                self._reloader,
                operations,
                self._delivery.notifications.results,
                self._exporter,
                self._clock,
                ProcessTimes(),
            )
        )

    def _worker_count(self) -> int:
        return self._settings.workers or len(os.sched_getaffinity(0))

    def _retire(self, predecessors: Sequence[int], mark: str, listeners: Sequence[Listener]) -> None:
        """Workers of a supervisor that died leave now that ours serve."""
        if not predecessors:
            return
        steered = steer_here(listeners)
        self._log.warning(LogEvent.PREDECESSORS_FOUND, workers=len(predecessors), steered=steered)
        task = asyncio.create_task(self._retirement.run(predecessors, mark, self._settings.shutdown_grace))
        self._stack.callback(task.cancel)

    def _obstacles(self) -> list[str]:
        """What stands in the way of being ready."""
        generation = self._controller.state.generation
        obstacles = []
        if self._stopping:
            obstacles.append("the program is stopping")
        if not self._publisher.all_seen(generation):
            obstacles.append(f"not every worker serves generation {generation} yet")
        if self._retirement.left:
            obstacles.append(f"{self._retirement.left} workers of an earlier program have not left yet")
        return obstacles

    async def _reload(self) -> None:
        await self._reloader.reload("signal")

    def _reopen(self) -> None:
        self._workers.send(ReopenLogs())
        self._log.info(LogEvent.LOGS_REOPENED)


def _close_all(sockets: Sequence[socket.socket]) -> None:
    for sock in sockets:
        sock.close()
