"""Workers that outlived their supervisor, and how the next supervisor takes over from them.

Workers go on serving when the control plane dies. Whoever then starts the program again must get the same ports, must
not leave two generations of workers side by side for long, and must lose as little as possible. The scheme:

1. Every worker carries a mark in its environment: device and inode of the state file, and the process that started it.
   A process with the mark of our state file whose parent is no longer the one that started it is a predecessor. Nothing
   is written down, so nothing can be stale, and a process number that was given to somebody else means nothing.
2. The new supervisor binds beside them (SO_REUSEPORT) and starts its own workers, the first of which begins to listen:
   until then, or if that fails, every connection goes to the predecessors.
3. Once these are ready, :func:`steer_here` has the kernel give every new connection to the new sockets. Only what
   already waits in the old queue is left to the predecessors.
4. Then they are told to stop by SIGTERM. They take what is in their queue, finish what is in flight, and leave. After
   the grace period of the config they are killed.

So nothing is refused, and nothing is cut but what outlasts the grace period. What predecessors still serve, they serve
by the table that they had; ``/readyz`` says no until they are gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from proxy.control.sockets import Listener, attach_program
from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog

MARK = "BLUEGREEN_WORKER_OF"
"""Name of the environment variable that tells whose worker a process is."""

_SO_ATTACH_REUSEPORT_CBPF = 51
_LISTENING = "0A"


def mark_of(state_path: Path) -> str:
    """What the workers of the program that owns this state file carry. The file has to exist."""
    status = state_path.stat()
    return f"{status.st_dev}:{status.st_ino}"


def mark_worker(mark: str) -> str:
    """The value of ``MARK`` for workers that this process starts."""
    return f"{mark}/{os.getpid()}"


def find_predecessors(mark: str) -> tuple[int, ...]:
    """The processes that carry the mark, and whose supervisor is gone."""
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return tuple(pid for pid in numbers if _is_predecessor(pid, mark))


def _is_predecessor(pid: int, mark: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        wanted = f"{MARK}={mark}/".encode()
        starters = [entry.removeprefix(wanted) for entry in environment if entry.startswith(wanted)]
        return bool(starters) and _parent(pid) != int(starters[0])
    except (OSError, ValueError):  # it has gone meanwhile, or is another user's
        return False


def _parent(pid: int) -> int:
    """The process that it is a child of. The name before the numbers is in parentheses and may hold anything."""
    return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])


def steer_here(listeners: Sequence[Listener]) -> bool:
    """Give new connections to these sockets, rather than to others on the same port. Returns whether that was possible.

    Where it was not, connections go to old and new sockets alike, and those that arrive while a predecessor closes its
    own may be reset.
    """
    steered = [_steer(listener.socket) for listener in listeners if listener.socket.family != socket.AF_UNIX]
    return all(steered)


def _steer(sock: socket.socket) -> bool:
    """The newest one in the group of sockets on this port takes it all."""
    try:
        attach_program(sock, _SO_ATTACH_REUSEPORT_CBPF, answer=_group_size(sock) - 1)
    except OSError:
        return False
    return True


def _group_size(sock: socket.socket) -> int:
    """How many sockets listen on the address of this one, itself included."""
    table = Path("/proc/net/tcp6" if sock.family == socket.AF_INET6 else "/proc/net/tcp")
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    inode = str(os.fstat(sock.fileno()).st_ino)
    address = next((row[1] for row in rows if row[9] == inode), None)
    return max(1, sum(row[1] == address and row[3] == _LISTENING for row in rows))


class Retirement:
    """Sees predecessors off. ``left`` says how many are still there."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.left = 0

    async def run(self, pids: Sequence[int], mark: str, grace: float) -> None:
        """Tell processes to stop, wait for them, and kill those that are still there after ``grace`` seconds."""
        self.left = len(pids)
        self._log.warning(LogEvent.PREDECESSORS_STOPPING, workers=len(pids), grace=grace)
        await asyncio.gather(*(self._see_off(pid, mark, grace) for pid in pids))

    async def _see_off(self, pid: int, mark: str, grace: float) -> None:
        try:
            with contextlib.suppress(ProcessLookupError), _Process(pid) as process:
                if _is_predecessor(pid, mark):  # asked again, now that the number cannot be reused
                    await self._end(process, grace)
        finally:
            self.left -= 1
            self._log.info(LogEvent.PREDECESSOR_GONE, worker=pid, left=self.left)

    async def _end(self, process: _Process, grace: float) -> None:
        process.send(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await process.gone()
                return
        self._log.warning(LogEvent.PREDECESSOR_KILLED, worker=process.pid)
        process.send(signal.SIGKILL)
        await process.gone()


class _Process:
    """A process that is not a child of ours, held by a descriptor that never comes to mean another one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._fd = os.pidfd_open(pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; one that is gone is left in peace."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._fd, number)

    async def gone(self) -> None:
        """Wait until it has exited."""
        loop = asyncio.get_running_loop()
        exited = asyncio.Event()
        loop.add_reader(self._fd, exited.set)
        try:
            await exited.wait()
        finally:
            loop.remove_reader(self._fd)
