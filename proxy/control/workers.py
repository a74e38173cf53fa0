"""The workers together: so many slots, in each of them a worker, and another one when that one ends.

A worker that dies is replaced at once, and after growing pauses when its successors die soon as well. A worker that
hangs is replaced by overlap: the new one serves before the old one is killed. What a dead worker has counted is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from proxy.control.restarts import Restarts
from proxy.control.worker import LaunchPlan, Worker, WorkerPhase
from proxy.ipc.messages import Down, Message, Stop, Suspect, Wake
from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog
from proxy.shm.meters import MeterRegion
from proxy.shm.totals import MeterTotals

BOOT_TIMEOUT = 20.0
"""Seconds a worker may take from its start to being ready."""

ROUND = 5.0
"""Seconds between two signs of life that every worker is asked for."""

SILENT_ROUNDS = 3
"""So many unanswered in a row, and a worker is taken to be hung."""

KILL_AFTER = 2.0
"""Seconds that a stopping worker gets beyond its grace before it is killed."""


class BootFailed(Exception):
    """A worker could not begin to serve. It has said why on standard error."""


class Workers:
    """Starts, watches, replaces and stops the workers; a :class:`proxy.control.fleet.Fleet`."""

    def __init__(
        self,
        plan: LaunchPlan,
        *,
        log: EventLog,
        acknowledged: Callable[[], None],
        suspect: Callable[[Suspect], None],
    ) -> None:
        """``acknowledged`` is called when a worker has shown what it sees or is gone, ``suspect`` for bad upstreams."""
        self._plan = plan
        self._log = log
        self._acknowledged = acknowledged
        self._suspect = suspect
        self._living: list[Worker] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self.totals = MeterTotals()
        self.restarts = 0
        """How many workers had to be replaced."""

    def regions(self) -> Sequence[MeterRegion]:
        """The meters of the living workers."""
        return [worker.region for worker in self._living]

    def send(self, message: Down) -> None:
        """Tell every living worker; never waits."""
        for worker in self._living:
            worker.send(message)

    def phases(self) -> dict[WorkerPhase, int]:
        """How many living workers are in each phase."""
        return {phase: sum(worker.phase is phase for worker in self._living) for phase in WorkerPhase}

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes of the living workers."""
        return tuple(worker.pid for worker in self._living)

    async def start(self, count: int) -> None:
        """Start ``count`` workers and wait until all of them serve.

        Raises:
            BootFailed: one of them does not get that far; all are ended again.
        """
        workers = [await self._launch(slot) for slot in range(count)]
        ready = await asyncio.gather(*(worker.ready(BOOT_TIMEOUT) for worker in workers))
        if not all(ready):
            await self._end_all()
            raise BootFailed("a worker could not begin to serve")
        self._tasks = [asyncio.create_task(self._keep(worker), name=f"slot {worker.slot}") for worker in workers]
        self._tasks.append(asyncio.create_task(self._ask_for_signs_of_life(), name="signs of life"))

    async def stop(self, grace: float) -> int:
        """Have all workers finish within ``grace`` seconds; gives the number of requests that had to be cut."""
        self._stopping = True
        workers = list(self._living)
        for worker in workers:
            worker.phase = WorkerPhase.STOPPING
            worker.send(Stop(grace))
        if workers:
            exits = [asyncio.create_task(worker.exited()) for worker in workers]
            await asyncio.wait(exits, timeout=grace + KILL_AFTER)
        cut = sum(worker.unfinished if worker.unfinished is not None else worker.in_flight for worker in workers)
        await self._end_all()
        return cut

    async def _end_all(self) -> None:
        """Whatever still lives is killed."""
        self._stopping = True
        for worker in self._living:
            worker.kill()
        await asyncio.gather(*(worker.exited() for worker in self._living))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _launch(self, slot: int, *, replaces: int | None = None) -> Worker:
        worker = await Worker.launch(slot, self._plan, self._on_message)
        self._living.append(worker)
        self.totals.add(worker.region)
        self._log.info(LogEvent.WORKER_STARTED, worker=worker.pid, slot=slot, replaces=replaces)
        return worker

    def _on_message(self, worker: Worker, message: Message) -> None:
        if isinstance(message, Suspect):
            self._suspect(message)
        else:
            self._acknowledged()

    async def _keep(self, worker: Worker) -> None:
        """Keep one slot filled."""
        restarts = Restarts()
        while not self._stopping:
            hung = await self._until_exit_or_hung(worker)
            if hung:
                worker = await self._replace_hung(worker)
                continue
            if self._stopping:
                return
            restarts = restarts.after(asyncio.get_running_loop().time() - worker.started_at)
            await self._bury(worker, restarts.pause)
            worker = await self._replacement(worker)

    async def _until_exit_or_hung(self, worker: Worker) -> bool:
        """Wait for the worker's end; ``True`` if it still lives but gives no sign of it."""
        exit_status = asyncio.ensure_future(worker.exited())
        while not exit_status.done():
            if worker.silent_rounds >= SILENT_ROUNDS and worker.phase is WorkerPhase.READY:
                exit_status.cancel()
                return True
            await asyncio.wait({exit_status}, timeout=ROUND)
        return False

    async def _replace_hung(self, hung: Worker) -> Worker:
        seconds = hung.silent_rounds * ROUND
        self._log.warning(LogEvent.WORKER_HUNG, worker=hung.pid, slot=hung.slot, seconds=seconds)
        worker = await self._replacement(hung)
        await worker.ready(BOOT_TIMEOUT)
        self._log.warning(LogEvent.WORKER_KILLED, worker=hung.pid, slot=hung.slot, why="hung", in_flight=hung.in_flight)
        hung.kill()
        await hung.exited()
        await self._bury(hung, 0.0)
        return worker

    async def _replacement(self, before: Worker) -> Worker:
        """Another worker in the same slot, as soon as the system allows one."""
        self.restarts += 1
        pause = Restarts(early=2)
        while True:
            try:
                return await self._launch(before.slot, replaces=before.pid)
            except OSError as error:
                self._log.error(LogEvent.WORKER_BOOT_FAILED, worker=None, slot=before.slot, status=str(error))
                await asyncio.sleep(pause.pause)
                pause = pause.after(0.0)

    async def _bury(self, worker: Worker, pause: float) -> None:
        """Keep what a dead worker has counted, and tell of its end."""
        status = await worker.exited()
        lost = worker.in_flight
        self._living.remove(worker)
        self.totals.retire(worker.region)
        worker.close()
        self._acknowledged()
        event = LogEvent.WORKER_EXITED if worker.phase is not WorkerPhase.STARTING else LogEvent.WORKER_BOOT_FAILED
        self._log.error(event, worker=worker.pid, slot=worker.slot, status=status, cut=lost, restart_in=pause)
        if pause:
            await asyncio.sleep(pause)

    async def _ask_for_signs_of_life(self) -> None:
        while True:
            for worker in self._living:
                worker.silent_rounds += 1
                worker.send(Wake())
            await asyncio.sleep(ROUND)
