"""Starting processes that cannot outlive the tests, finding ports for them, and waiting for what they do."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar

ROOT = Path(__file__).resolve().parents[2]
"""Where the project's packages are; every process is started here."""

# Below Linux' range for outgoing connections (32768 and up): under load, that range may lend a port that a stopped
# server means to come back to.
_PORTS = range(20_000, 32_000)

T = TypeVar("T")


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on and no outgoing connection will be given."""
    for port in random.sample(_PORTS, 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise RuntimeError("no free port")


def wait_until(condition: Callable[[], T], *, timeout: float, what: str | Callable[[], str]) -> T:
    """The first true value of ``condition``, asked every few milliseconds.

    Raises:
        TimeoutError: it was still false after ``timeout`` seconds; the message says ``what`` was waited for, and may
            be made only then, to tell how far things had come.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.005)
    return value


@functools.cache
def _leash() -> subprocess.Popen[str]:
    # A session of its own, so that Ctrl-C in the terminal ends the tests first and the leash by the end of its input.
    leash = subprocess.Popen(
        [sys.executable, "-m", "tests.harness.leash"],
        stdin=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        start_new_session=True,
    )
    atexit.register(leash.communicate)
    return leash


def _tell_leash(word: str, group: int) -> None:
    pipe = _leash().stdin
    assert pipe is not None
    pipe.write(f"{word} {group}\n")
    pipe.flush()


class Process:
    """One started program: leader of its own process group, which is killed with the tests at the latest."""

    def __init__(
        self,
        arguments: list[str],
        *,
        stderr: Path,
        stdout: Path | None = None,
        pipes: bool = False,
        program: str | Path = sys.executable,
    ) -> None:
        """Start ``PROGRAM ARGUMENTS``. With ``pipes`` its input and output are ``stdin`` and ``stdout`` here."""
        with contextlib.ExitStack() as files:
            err = files.enter_context(stderr.open("ab"))
            out: int | IO[bytes] = subprocess.PIPE if stdout is None else files.enter_context(stdout.open("ab"))
            self._popen = subprocess.Popen(
                [program, *arguments],
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=ROOT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self.pid = self._popen.pid
        self.stderr = stderr
        _tell_leash("watch", self.pid)

    @property
    def stdin(self) -> IO[bytes]:
        """Its input; only with ``pipes``."""
        assert self._popen.stdin is not None
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """Its output; only without a ``stdout`` file."""
        assert self._popen.stdout is not None
        return self._popen.stdout

    @property
    def exit_code(self) -> int | None:
        """How it ended, ``None`` while it runs; negative is the signal that killed it."""
        return self._popen.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process itself, not to its group."""
        self._popen.send_signal(number)

    def wait(self, timeout: float) -> int:
        """Its exit code, once it has ended by itself."""
        return self._popen.wait(timeout)

    def kill(self) -> None:
        """SIGKILL to the whole group, and wait until nothing of it is left. May be called twice."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        wait_until(lambda: not list(members(self.pid)), timeout=10, what=f"end of process group {self.pid}")
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        _tell_leash("forget", self.pid)


def _stat(pid: int) -> tuple[str, int, int] | None:
    # State, parent and group. The name before them is in parentheses and may hold anything: look behind the last.
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], int(fields[1]), int(fields[2])


def alive(pid: int) -> bool:
    """Whether a process still holds anything: a zombie has closed its files already."""
    stat = _stat(pid)
    return stat is not None and stat[0] not in "ZX"


def _living() -> Iterator[tuple[int, int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))) is not None and stat[0] not in "ZX":
            yield int(entry.name), stat[1], stat[2]


def members(group: int) -> Iterator[int]:
    """The living processes of a process group."""
    return (pid for pid, _, pgid in _living() if pgid == group)


def children(parent: int) -> Iterator[int]:
    """The living processes that ``parent`` started."""
    return (pid for pid, ppid, _ in _living() if ppid == parent)


def command_line(pid: int) -> list[str]:
    """The arguments of a process; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []
