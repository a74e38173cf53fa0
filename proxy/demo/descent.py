"""Processes that end with the one that started them, however that one ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

STOP_TIMEOUT = 5.0
"""Seconds that processes are given to end by themselves."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def start(argv: list[str], *, output: Path) -> subprocess.Popen[bytes]:
    """Start a process whose output goes to the end of a file. It is told to end (TERM) when this one is gone.

    To be called while this process has one thread: another could hold a lock that the new one then waits for.
    """
    parent = os.getpid()

    def tie() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it is gone already, and nobody will tell
            os._exit(1)

    with output.open("ab") as file:
        # A session of its own, so that Ctrl-C in the terminal reaches this process alone, which then ends all in order.
        return subprocess.Popen(  # noqa: S603 - our own program
            argv,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            preexec_fn=tie,  # noqa: PLW1509 - see above: there is one thread
        )


def end(processes: Sequence[subprocess.Popen[bytes]], *, patience: float = STOP_TIMEOUT) -> None:
    """End processes and whatever they have started: politely, and after ``patience`` seconds with force."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + patience
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(deadline - time.monotonic(), 0))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
