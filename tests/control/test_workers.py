from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from proxy.config.addresses import TcpAddress
from proxy.config.settings import ListenSettings
from proxy.control import workers as module
from proxy.control.sockets import close_listeners, open_listeners
from proxy.control.worker import LaunchPlan, WorkerPhase, worker_command, worker_environment
from proxy.control.workers import BootFailed, Workers
from proxy.ipc.messages import Suspect
from proxy.logs.log import EventLog
from proxy.shm.addresses import AddressTable
from proxy.shm.board import Board
from proxy.shm.names import Series
from proxy.traffic.configure import initial_state
from proxy.traffic.spec import AccessLog, AccessLogFormat, Color, DoorSpec
from proxy.traffic.table import compile_table
from proxy.traffic.table_codec import encode_table
from tests.control.core import SHOP, until
from tests.harness.processes import alive, free_port

FAILS = (sys.executable, "-S", "-c", "raise SystemExit(3)")
SLEEPS = (sys.executable, "-S", "-c", "import signal; signal.pause()")


@dataclass
class Stage:
    """Workers on a real board and a real socket."""

    workers: Workers
    plan: LaunchPlan
    log: Path
    address: tuple[str, int]
    told: list[Suspect]

    def events(self, name: str) -> list[dict[str, object]]:
        """What was told under a name."""
        lines = map(json.loads, self.log.read_text().splitlines())
        return [line for line in lines if line["event"] == name]

    def use(self, command: tuple[str, ...]) -> None:
        """Start workers by another command from now on."""
        self.workers._plan = replace(self.plan, command=command)

    def accepted(self) -> int:
        """Connections that all workers together have counted, living and dead."""
        return self.workers.totals.total(Series.CONNECTIONS)


@asynccontextmanager
async def staged(tmp_path: Path, command: tuple[str, ...] = worker_command()) -> AsyncIterator[Stage]:
    """Nothing is started yet; nothing is left at the end."""
    board = Board.create()
    addresses = AddressTable.create(2)
    door = DoorSpec(access_log=AccessLog(format=AccessLogFormat.OFF))
    board.publish(1, encode_table(compile_table(initial_state(door, (SHOP,)))))
    address = TcpAddress("127.0.0.1", free_port())
    listeners = open_listeners([ListenSettings(address)], beside_predecessors=False)
    plan = LaunchPlan(command, worker_environment(os.environ), board.fd, addresses, listeners, 2)
    told: list[Suspect] = []
    with (tmp_path / "log").open("wb") as file:
        workers = Workers(
            plan, log=EventLog(file.fileno()), acknowledged=lambda: None, suspect=told.append, export=lambda spans: None
        )
        try:
            yield Stage(workers, plan, tmp_path / "log", (address.host, address.port), told)
        finally:
            await workers.kill()
            close_listeners(listeners)
            addresses.close()
            board.close()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Two workers that serve."""
    async with staged(tmp_path) as stage:
        await stage.workers.start(2)
        yield stage


def replaced(workers: Workers, gone: int) -> Callable[[], bool]:
    """Whether two others serve."""
    return lambda: gone not in workers.pids and workers.phases()[WorkerPhase.READY] == 2


async def test_workers_that_started_serve(stage: Stage) -> None:
    """When the call returns, all of them are ready."""
    assert stage.workers.phases() == {WorkerPhase.STARTING: 0, WorkerPhase.READY: 2, WorkerPhase.STOPPING: 0}
    assert [region.seen for region in stage.workers.regions()] == [1, 1]
    assert stage.workers.restarts == 0


async def test_a_worker_that_dies_is_replaced_and_its_counts_are_kept(stage: Stage) -> None:
    """No counter ever falls, at no moment of a death."""
    with socket.create_connection(stage.address):
        await until(lambda: stage.accepted() == 1)
    for pid in stage.workers.pids:
        os.kill(pid, signal.SIGKILL)

    def and_never_less() -> bool:
        assert stage.accepted() == 1
        return stage.workers.restarts == 2 and stage.workers.phases()[WorkerPhase.READY] == 2

    await until(and_never_less)
    assert [event["status"] for event in stage.events("worker_exited")] == ["SIGKILL", "SIGKILL"]


async def test_a_worker_that_hangs_is_replaced_by_overlap(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hung one is killed, but not before another one serves."""
    monkeypatch.setattr(module, "ROUND", 0.05)
    await stage.workers.stop(5.0)
    await stage.workers.start(2)
    (hung, _) = stage.workers.pids
    os.kill(hung, signal.SIGSTOP)

    await until(replaced(stage.workers, hung))

    told = [json.loads(line)["event"] for line in stage.log.read_text().splitlines()]
    assert told[told.index("worker_hung") :] == ["worker_hung", "worker_started", "worker_ready", "worker_killed"]
    assert not alive(hung)


async def test_a_worker_that_wakes_up_again_is_not_cut(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken to be hung, but while another one started it came back: it may finish."""
    monkeypatch.setattr(module, "ROUND", 0.05)
    await stage.workers.stop(5.0)
    await stage.workers.start(2)
    (hung, _) = stage.workers.pids
    os.kill(hung, signal.SIGSTOP)
    await until(lambda: stage.events("worker_hung") != [])
    os.kill(hung, signal.SIGCONT)

    await until(replaced(stage.workers, hung))

    assert stage.events("worker_killed") == []


async def test_a_crash_loop_slows_down_and_ends_by_itself(stage: Stage) -> None:
    """Successors that cannot serve are started after growing pauses, beside the worker that lives."""
    (victim, survivor) = stage.workers.pids
    stage.use(FAILS)
    os.kill(victim, signal.SIGKILL)
    await until(lambda: len(stage.events("worker_boot_failed")) >= 3)
    pauses = [event["restart_in"] for event in stage.events("worker_boot_failed")]
    assert pauses[:3] == [0.1, 0.2, 0.4]
    assert stage.events("worker_boot_failed")[0]["status"] == "exit 3"
    assert survivor in stage.workers.pids

    stage.use(worker_command())

    await until(lambda: stage.workers.phases()[WorkerPhase.READY] == 2)


async def test_a_worker_that_the_system_does_not_start_is_tried_again(stage: Stage) -> None:
    """No process to be had is no reason to give a slot up."""
    stage.use(("/nonexistent/python",))
    os.kill(stage.workers.pids[0], signal.SIGKILL)
    await until(lambda: len(stage.events("worker_boot_failed")) >= 2)

    stage.use(worker_command())

    await until(lambda: stage.workers.phases()[WorkerPhase.READY] == 2)


async def test_a_successor_that_never_gets_ready_is_killed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker stuck in its start does not hold its slot for ever."""
    monkeypatch.setattr(module, "BOOT_TIMEOUT", 0.2)
    stage.use(SLEEPS)
    os.kill(stage.workers.pids[0], signal.SIGKILL)
    await until(lambda: stage.events("worker_boot_failed") != [])

    assert stage.events("worker_boot_failed")[0]["status"] == "SIGKILL"


@pytest.mark.parametrize(("command", "why"), [(FAILS, "ended with exit 3"), (SLEEPS, "did not begin to serve")])
async def test_a_start_that_fails_leaves_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], why: str
) -> None:
    """All workers or none."""
    monkeypatch.setattr(module, "BOOT_TIMEOUT", 1.0)
    async with staged(tmp_path, command) as stage:
        with pytest.raises(BootFailed, match=why):
            await stage.workers.start(2)

        assert stage.workers.pids == ()
        assert not any(alive(int(str(event["worker"]))) for event in stage.events("worker_started"))


async def test_a_stop_ends_all_and_may_be_repeated(stage: Stage) -> None:
    """Nothing was in flight, so nothing is cut, and nobody comes back."""
    pids = stage.workers.pids

    assert await stage.workers.stop(5.0) == 0
    assert await stage.workers.stop(5.0) == 0
    assert await stage.workers.kill() == 0

    assert stage.workers.pids == ()
    assert not any(map(alive, pids))


async def test_a_stop_during_a_replacement_forgets_no_process(stage: Stage) -> None:
    """A worker that is just being started is ended as well, at whatever moment the stop comes."""
    for pause in (0.0, 0.001, 0.005, 0.02):
        for pid in stage.workers.pids:
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(pause)
        await stage.workers.stop(1.0)
        assert stage.workers.pids == ()
        assert not any(alive(int(str(event["worker"]))) for event in stage.events("worker_started"))
        await stage.workers.start(2)


async def test_suspicions_are_passed_on(stage: Stage) -> None:
    """What a worker says of an upstream reaches whoever decides."""
    report = Suspect("shop", Color.BLUE, "a:1", "refused")

    stage.workers._on_message(stage.workers._living[0], report)

    assert stage.told == [report]
