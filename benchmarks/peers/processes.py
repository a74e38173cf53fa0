"""Programs that are measured: started on cores of their own, with what they and their children used."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_WITHIN = 30.0
CORES = sorted(os.sched_getaffinity(0))
LOAD_CORES = CORES[2:4] or CORES[-1:]
"""For the application and the load. Two workers share them with these where there are only two."""

_TICKS = os.sysconf("SC_CLK_TCK")
_ESTABLISHED = "01"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: list[str], *, cores: list[int] | None, port: int, log: Path) -> Iterator[int]:
    """Run a program on some cores (or on any) until the block ends; its pid. It listens on ``port`` by then."""
    pinned = ["taskset", "-c", ",".join(map(str, cores)), *command] if cores else command
    with log.open("wb") as output:
        process = subprocess.Popen(pinned, stdout=output, stderr=output, start_new_session=True)
    try:
        _wait_until_listening(process, port, log)
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"{process.args!r} does not listen: {log.read_text(errors='replace')[-2000:]}")


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, task.read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """What a process and all below it have run so far, user and system.

    Each living process has a clock that counts its threads, also those that have ended, to the nanosecond. Children
    that have ended are counted where they were waited for, in ticks.
    """
    total = 0.0
    for each in tree(pid):
        with contextlib.suppress(OSError):
            total += time.clock_gettime(~each << 3 | 2)  # the same as clock_getcpuclockid() in C
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(") ")[2].split()
            total += (int(fields[13]) + int(fields[14])) / _TICKS
    return total


def memory(pid: int) -> int:
    """Bytes that a process and all below it hold, what they share counted once (PSS)."""
    total = 0
    for each in tree(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def busy(seconds: float) -> float:
    """What share of all cores works, from 0 to 1."""
    before = _core_ticks()
    time.sleep(seconds)
    idle, total = (after - then for after, then in zip(_core_ticks(), before, strict=True))
    return 1 - idle / total


def _core_ticks() -> tuple[int, int]:
    ticks = [int(field) for field in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def maps(pid: int, pattern: str) -> bool:
    """Whether a process or one below it has mapped a file whose path has such a part."""
    for each in tree(pid):
        with contextlib.suppress(OSError):
            if re.search(pattern, Path(f"/proc/{each}/maps").read_text()):
                return True
    return False


def connections(pid: int, port: int) -> list[int]:
    """How many clients' connections each process of a tree has, most first, those that have none left out."""
    clients = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == _ESTABLISHED and int(fields[1].rpartition(":")[2], 16) == port:
            clients.add(f"socket:[{fields[9]}]")
    return sorted(filter(None, (len(clients & _descriptors(each)) for each in tree(pid))), reverse=True)


def _descriptors(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            found.add(str(link.readlink()))
    return found
