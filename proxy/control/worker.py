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
from proxy.ipc.messages import Down, Ready, Stopped, Up
from proxy.shm.meters import MeterRegion
from proxy.shm.names import Series

OnMessage = Callable[["Worker", Up], None]


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

    def __init__(self, slot: int, process: Process, region: MeterRegion, channel: Channel, started_at: float) -> None:
        self.slot = slot
        self.region = region
        self.started_at = started_at
        self.phase = WorkerPhase.STARTING
        self.silent_rounds = 0
        """How many times it was asked for a sign of life since it gave the last one."""
        self.unfinished: int | None = None
        """How many requests it left behind, once it has said so."""
        self._process = process
        self._channel = channel
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

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
        early: list[Up] = []
        receive: Callable[[Up], None] = early.append
        channel = await Channel.open(ours, lambda message: receive(message), lambda _: None)  # type: ignore[arg-type]
        worker = cls(slot, process, region, channel, asyncio.get_running_loop().time())

        def receive(message: Up) -> None:
            worker._receive(message, on_message)

        for message in early:
            receive(message)
        return worker
