"""One worker process, from its start to its end."""

from __future__ import annotations

import asyncio
import enum
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import proxy
from proxy.control.sockets import Listener
from proxy.ipc.channel import Channel
from proxy.ipc.messages import Down, Message, Ready, Stop, Stopped, Wake
from proxy.shm.addresses import AddressTable
from proxy.shm.meters import MeterRegion
from proxy.shm.names import Series

OnMessage = Callable[["Worker", Message], None]

LAST_WORDS = 1.0
"""Seconds to wait at most, after a worker has exited, for what it sent before. Its death closes the channel."""


class WorkerPhase(enum.StrEnum):
    """Where in its life a worker is."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """What every worker of this program is started with.

    ``command`` is the program and its first arguments; ``environment`` is complete.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    board_fd: int
    addresses: AddressTable
    listeners: Sequence[Listener]
    workers: int
    """How many slots there are."""


def worker_command() -> tuple[str, ...]:
    """How a worker is started: by the interpreter that runs us, and never with code from the current folder.

    ``-m`` would look there first, and a folder named ``proxy`` is not rare.
    """
    return (sys.executable, "-P", "-m", "proxy", "worker")


def worker_environment(environment: Mapping[str, str], **added: str) -> dict[str, str]:
    """The environment of a worker: it imports the same code as we did, wherever that was found."""
    home = str(Path(proxy.__file__).resolve().parent.parent)
    paths = [home, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    return {**environment, **added, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


class Worker:
    """A worker as the supervisor sees it. Made by :meth:`launch`."""

    _channel: Channel

    def __init__(
        self, slot: int, process: Process, region: MeterRegion, on_message: OnMessage, let_go: Callable[[], None]
    ) -> None:
        self.slot = slot
        self.region = region
        self.phase = WorkerPhase.STARTING
        self.silent_rounds = 0
        """How many times it was asked for a sign of life since it gave the last one."""
        self.short_of_meters = False
        """Whether it was told of that it finds no room for a number any more."""
        self._started_at = asyncio.get_running_loop().time()
        self._unfinished: int | None = None
        self._process = process
        self._on_message = on_message
        self._let_go = let_go
        self._closed = asyncio.Event()
        self._exited = asyncio.create_task(self._end(), name=f"worker {process.pid}")
        self._ready = asyncio.Event()
        self._hung = asyncio.Event()

    @classmethod
    async def launch(cls, slot: int, plan: LaunchPlan, on_message: OnMessage) -> Worker:
        """Start a process; it is not ready yet.

        Raises:
            OSError: the system lets us start no process, or is out of descriptors.
        """
        with ExitStack() as undo:
            region = MeterRegion.create()
            undo.callback(region.close)
            row = plan.addresses.take_row()
            undo.callback(plan.addresses.give_back, row)
            ours, theirs = socket.socketpair()
            undo.callback(ours.close)
            with theirs:
                process = await _spawn(slot, row, plan, region.fd, theirs.fileno())
            undo.callback(_kill, process)
            worker = cls(slot, process, region, on_message, partial(plan.addresses.give_back, row))
            worker._channel = await Channel.open(ours, worker._receive, lambda _: worker._closed.set())
            undo.pop_all()
        return worker

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return asyncio.get_running_loop().time() - self._started_at

    @property
    def left_behind(self) -> int:
        """How many requests and tunnels it could not finish; as long as it lives, how many it has."""
        if self._unfinished is not None:
            return self._unfinished
        counts = self.region.read()
        gauges = (Series.IN_FLIGHT, Series.TUNNELS)
        return sum(values[0] for name, values in counts.items() if name[0] in gauges)

    @property
    def exit_status(self) -> int | None:
        """``None`` while it lives; negative for the number of a signal."""
        return self._exited.result() if self._exited.done() else None

    def send(self, message: Down) -> None:
        """Tell it something; never waits."""
        self._channel.send(message)

    def stop(self, grace: float) -> None:
        """Have it finish what it has within ``grace`` seconds, and exit."""
        self.phase = WorkerPhase.STOPPING
        self.send(Stop(grace))

    def kill(self) -> None:
        """End it at once."""
        _kill(self._process)

    def ask_for_sign_of_life(self, silent_rounds: int) -> None:
        """Ask it once more. It is hung if it has left so many questions in a row unanswered."""
        if self.phase is WorkerPhase.READY:
            if self.silent_rounds >= silent_rounds:
                self._hung.set()
            self.silent_rounds += 1
            self.send(Wake())

    async def exited(self) -> int:
        """Its exit status, once it has one; negative for the number of a signal."""
        return await asyncio.shield(self._exited)

    async def ready(self, timeout: float) -> bool:
        """Whether it serves; no, if it exits first or does not get that far within ``timeout`` seconds."""
        await self._exit_or(self._ready, timeout)
        return self._ready.is_set() and not self._exited.done()

    async def hung_or_exited(self) -> bool:
        """Wait until it exits, or is found to hang; ``True`` for the latter."""
        await self._exit_or(self._hung, None)
        return not self._exited.done()

    async def _exit_or(self, event: asyncio.Event, timeout: float | None) -> None:
        waiting = asyncio.create_task(event.wait())
        try:
            await asyncio.wait({waiting, self._exited}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    def close(self) -> None:
        """Let go of its channel and its part of the memory that workers share, after it has exited."""
        self._channel.close()
        self._let_go()

    async def _end(self) -> int:
        status = await self._process.wait()
        with suppress(TimeoutError):  # what it said last may still be on its way
            async with asyncio.timeout(LAST_WORDS):
                await self._closed.wait()
        return status

    def _receive(self, message: Message) -> None:
        self.silent_rounds = 0
        match message:
            case Ready():
                self._ready.set()
                if self.phase is WorkerPhase.STARTING:
                    self.phase = WorkerPhase.READY
            case Stopped(unfinished):
                self._unfinished = unfinished
        self._on_message(self, message)


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)


async def _spawn(slot: int, row: int, plan: LaunchPlan, meters_fd: int, channel_fd: int) -> Process:
    listen = [listener.fd for listener in plan.listeners]
    arguments = {
        "--slot": slot,
        "--workers": plan.workers,
        "--board": plan.board_fd,
        "--meters": meters_fd,
        "--addresses": plan.addresses.fd,
        "--row": row,
        "--channel": channel_fd,
        "--listen": ",".join(map(str, listen)),
        "--proxied": ",".join(str(listener.fd) for listener in plan.listeners if listener.proxy_protocol),
    }
    options = [text for name, value in arguments.items() for text in (name, str(value))]
    return await asyncio.create_subprocess_exec(
        *plan.command,
        *options,
        stdin=DEVNULL,
        env=plan.environment,
        pass_fds=(plan.board_fd, meters_fd, plan.addresses.fd, channel_fd, *listen),
    )
