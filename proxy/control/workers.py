"""The workers together: so many slots, in each of them a worker, and another one when that one ends.

A worker that dies is replaced at once, and after growing pauses when its successors die soon as well. A worker that
hangs is replaced by overlap: the new one serves before the old one is killed. What a dead worker has counted is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from signal import Signals

from proxy.control.restarts import LONGEST_PAUSE, Restarts
from proxy.control.worker import LaunchPlan, Worker, WorkerPhase
from proxy.ipc.messages import Down, Message, Ready, Spans, Suspect
from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog
from proxy.shm.meters import MeterRegion
from proxy.shm.totals import MeterTotals

BOOT_TIMEOUT = 20.0
"""Seconds a worker may take from its start to being ready."""

ROUND = 1.0
"""Seconds between two signs of life that every worker is asked for."""

SILENT_ROUNDS = 10
"""So many unanswered in a row, and a worker is taken to be hung."""

OWN_SHARE = 0.9
"""Of a grace period, what a worker is given for its requests; the rest is for its own end, and then it is killed."""

WAKING_GRACE = 30.0
"""Seconds for a worker that was taken to be hung, and comes back while its successor starts, to finish its requests."""


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
        export: Callable[[Spans], None],
    ) -> None:
        """``acknowledged`` is called when a worker has shown what it sees or is gone, ``suspect`` for bad upstreams.

        ``export`` gets what is to be exported as spans.
        """
        self._plan = plan
        self._log = log
        self._acknowledged = acknowledged
        self._suspect = suspect
        self._export = export
        self._living: list[Worker] = []
        self._launches: set[asyncio.Task[Worker]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.totals = MeterTotals()
        self.restarts = 0
        """How many workers were started in the place of another one."""

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
            OSError: the system lets us start no process; those that were started are ended again.
        """
        try:
            workers = [await self._launch(slot) for slot in range(count)]
            ready = await asyncio.gather(*(worker.ready(BOOT_TIMEOUT) for worker in workers))
            if not all(ready):
                raise BootFailed(_why_not_ready(workers[ready.index(False)]))
        except (BootFailed, OSError):
            await self.kill()
            raise
        for worker in workers:
            self._begin(self._keep(worker), f"slot {worker.slot}")
        self._begin(self._ask_for_signs_of_life(), "signs of life")

    async def stop(self, grace: float) -> int:
        """Have all workers finish within ``grace`` seconds; gives the number of requests that had to be cut."""
        await self._leave_slots()
        for worker in self._living:
            worker.stop(grace * OWN_SHARE)
        await _all_exited(self._living, grace)
        return await self.kill()

    async def kill(self) -> int:
        """End all workers at once; gives the number of requests that were cut. Again does no harm."""
        await self._leave_slots()
        workers = tuple(self._living)
        for worker in workers:
            worker.kill()
        await _all_exited(workers, None)
        cut = sum(worker.left_behind for worker in workers)
        for worker in workers:
            self._bury(worker)
        return cut

    async def _leave_slots(self) -> None:
        """Replace nobody any more. A process that is just being started is one of the living when this returns."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*self._launches, return_exceptions=True)

    def _begin(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _launch(self, slot: int, *, replaces: int | None = None) -> Worker:
        """Start a worker. A caller that is cancelled meanwhile leaves no process behind that nobody knows of."""
        launch = asyncio.create_task(self._start_process(slot, replaces), name=f"launch in slot {slot}")
        self._launches.add(launch)
        launch.add_done_callback(self._launches.discard)
        return await asyncio.shield(launch)

    async def _start_process(self, slot: int, replaces: int | None) -> Worker:
        worker = await Worker.launch(slot, self._plan, self._on_message)
        self._living.append(worker)
        self.totals.add(worker.region)
        self._log.info(LogEvent.WORKER_STARTED, worker=worker.pid, slot=slot, replaces=replaces)
        return worker

    def _on_message(self, worker: Worker, message: Message) -> None:
        if isinstance(message, Suspect):
            self._suspect(message)
            return
        if isinstance(message, Spans):
            self._export(message)
            return
        if isinstance(message, Ready):
            seconds = round(worker.age, 3)
            self._log.info(LogEvent.WORKER_READY, worker=worker.pid, slot=worker.slot, seconds=seconds)
        self._look_at_meters(worker)
        self._acknowledged()

    def _look_at_meters(self, worker: Worker) -> None:
        if worker.region.full and not worker.short_of_meters:
            worker.short_of_meters = True
            self._log.warning(LogEvent.METERS_FULL, worker=worker.pid, slot=worker.slot)

    async def _keep(self, worker: Worker) -> None:
        """Keep one slot filled, even if something here is wrong."""
        while True:
            try:
                await self._succeed_one_another(worker)
            except Exception as error:  # noqa: BLE001 - a slot that nobody keeps would stay empty until the next start
                self._log.error(LogEvent.UNEXPECTED, error=repr(error), where=f"slot {worker.slot}")
                await asyncio.sleep(LONGEST_PAUSE)
            worker = next((each for each in reversed(self._living) if each.slot == worker.slot), worker)

    async def _succeed_one_another(self, worker: Worker) -> None:
        row = Restarts()
        while True:
            hung = await worker.hung_or_exited()
            row = row.after(worker.age)
            if hung:
                seconds = worker.silent_rounds * ROUND
                self._log.warning(LogEvent.WORKER_HUNG, worker=worker.pid, slot=worker.slot, seconds=seconds)
            else:
                self._mourn(worker, row.pause)
            successor, row = await self._successor(worker, row)
            if hung:
                self._begin(self._dismiss(worker), f"end of worker {worker.pid}")
            worker = successor

    async def _successor(self, before: Worker, row: Restarts) -> tuple[Worker, Restarts]:
        """Another worker in the same slot that serves, and the row of those that died before it did."""
        while True:
            await asyncio.sleep(row.pause)
            self.restarts += 1
            try:
                worker = await self._launch(before.slot, replaces=before.pid)
            except OSError as error:
                row = row.after(0.0)
                self._log.error(LogEvent.WORKER_BOOT_FAILED, slot=before.slot, error=str(error), restart_in=row.pause)
                continue
            if await worker.ready(BOOT_TIMEOUT):
                return worker, row
            worker.kill()
            await worker.exited()
            row = row.after(0.0)
            self._mourn(worker, row.pause)

    async def _dismiss(self, hung: Worker) -> None:
        """End a worker that another one has taken over from. What it has in flight is lost, unless it woke up."""
        if hung.silent_rounds < SILENT_ROUNDS:  # it has answered since
            hung.stop(WAKING_GRACE * OWN_SHARE)
            await _all_exited([hung], WAKING_GRACE)
        if hung.exit_status is None:
            left = hung.left_behind
            self._log.warning(LogEvent.WORKER_KILLED, worker=hung.pid, slot=hung.slot, why="hung", in_flight=left)
        hung.kill()
        await hung.exited()
        self._bury(hung)

    def _mourn(self, worker: Worker, pause: float) -> None:
        """Tell of a worker's end, which nobody asked for."""
        event = LogEvent.WORKER_BOOT_FAILED if worker.phase is WorkerPhase.STARTING else LogEvent.WORKER_EXITED
        status, lost = _readable(worker.exit_status), worker.left_behind
        self._bury(worker)
        self._log.error(event, worker=worker.pid, slot=worker.slot, status=status, cut=lost, restart_in=pause)

    def _bury(self, worker: Worker) -> None:
        """Keep what a dead worker has counted."""
        if worker in self._living:
            self._living.remove(worker)
            worker.close()
            self.totals.retire(worker.region)
            self._acknowledged()

    async def _ask_for_signs_of_life(self) -> None:
        while True:
            for worker in self._living:
                worker.ask_for_sign_of_life(SILENT_ROUNDS)
            await asyncio.sleep(ROUND)


async def _all_exited(workers: Sequence[Worker], seconds: float | None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(worker.exited() for worker in workers))


def _why_not_ready(worker: Worker) -> str:
    if worker.exit_status is None:
        return f"worker {worker.pid} did not begin to serve within {BOOT_TIMEOUT:g} s"
    return f"worker {worker.pid} ended with {_readable(worker.exit_status)} before it served"


def _readable(status: int | None) -> str | None:
    """An exit status as people speak of it: ``exit 3``, ``SIGKILL``."""
    if status is None:
        return None
    return f"exit {status}" if status >= 0 else Signals(-status).name
