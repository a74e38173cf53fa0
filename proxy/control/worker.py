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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import proxy
from proxy.control.sockets import Listener
from proxy.ipc.channel import Channel
from proxy.ipc.messages import Down, Message, Ready, Stopped
from proxy.shm.meters import MeterRegion
from proxy.shm.names import Series

OnMessage = Callable[["Worker", Message], None]


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
    listeners: Sequence[Listener]


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

    def __init__(self, slot: int, process: Process, region: MeterRegion, on_message: OnMessage) -> None:
        self.slot = slot
        self.region = region
        self.phase = WorkerPhase.STARTING
        self.started_at = asyncio.get_running_loop().time()
        self.silent_rounds = 0
        """How many times it was asked for a sign of life since it gave the last one."""
        self.unfinished: int | None = None
        """How many requests it left behind, once it has said so."""
        self._process = process
        self._on_message = on_message
        self._exited = asyncio.create_task(process.wait(), name=f"worker {process.pid}")
        self._ready = asyncio.Event()

    @classmethod
    async def launch(cls, slot: int, plan: LaunchPlan, on_message: OnMessage) -> Worker:
        """Start a process; it is not ready yet.

        Raises:
            OSError: the system lets us start no process, or is out of descriptors.
        """
        region = MeterRegion.create()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await _spawn(slot, plan, region.fd, theirs.fileno())
            except BaseException:
                ours.close()
                region.close()
                raise
        worker = cls(slot, process, region, on_message)
        worker._channel = await Channel.open(ours, worker._receive, lambda _: None)
        return worker

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def in_flight(self) -> int:
        """How many requests and tunnels it has, or had when it died."""
        counts = self.region.read()
        gauges = (Series.IN_FLIGHT, Series.TUNNELS)
        return sum(values[0] for name, values in counts.items() if name[0] in gauges)

    def send(self, message: Down) -> None:
        """Tell it something; never waits."""
        self._channel.send(message)

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    async def exited(self) -> int:
        """Its exit status, once it has one; negative for the number of a signal."""
        return await asyncio.shield(self._exited)

    async def ready(self, timeout: float) -> bool:
        """Whether it serves; no, if it exits first or does not get that far within ``timeout`` seconds."""
        waiting = asyncio.create_task(self._ready.wait())
        await asyncio.wait({waiting, self._exited}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return self._ready.is_set()

    def close(self) -> None:
        """Let go of its channel, after it has exited."""
        self._channel.close()

    def _receive(self, message: Message) -> None:
        self.silent_rounds = 0
        match message:
            case Ready():
                self.phase = WorkerPhase.READY
                self._ready.set()
            case Stopped(unfinished):
                self.unfinished = unfinished
        self._on_message(self, message)


async def _spawn(slot: int, plan: LaunchPlan, meters_fd: int, channel_fd: int) -> Process:
    listen = [listener.fd for listener in plan.listeners]
    arguments = {
        "--slot": slot,
        "--board": plan.board_fd,
        "--meters": meters_fd,
        "--channel": channel_fd,
        "--listen": ",".join(map(str, listen)),
    }
    options = [text for name, value in arguments.items() for text in (name, str(value))]
    return await asyncio.create_subprocess_exec(
        *plan.command,
        *options,
        stdin=DEVNULL,
        env=plan.environment,
        pass_fds=(plan.board_fd, meters_fd, channel_fd, *listen),
    )
