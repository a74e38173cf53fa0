"""What the processes of the program use, as the kernel tells it in ``/proc``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SUPERVISOR = "supervisor"
WORKER = "worker"

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

_UTIME, _STIME, _RSS = 11, 12, 21
"""Places in ``/proc/PID/stat`` behind the name, which may hold anything; see proc(5)."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What processes of one kind use together."""

    cpu_seconds: float = 0.0
    """Since the program began, by those that have ended as well."""
    resident_bytes: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.cpu_seconds + other.cpu_seconds, self.resident_bytes + other.resident_bytes)


class ProcessTimes:
    """Reads what processes use. A worker that is gone counts with what was last read of it, so the sum never falls."""

    def __init__(self) -> None:
        self._workers: dict[int, Usage] = {}
        self._gone = 0.0

    def read(self, workers: Iterable[int]) -> dict[str, Usage]:
        """By kind of process; ``workers`` are the living ones."""
        living = {pid: used for pid in workers if (used := _usage(pid)) is not None}
        for pid in self._workers.keys() - living.keys():
            self._gone += self._workers[pid].cpu_seconds
        self._workers = living
        return {
            SUPERVISOR: _usage(os.getpid()) or Usage(),
            WORKER: sum(living.values(), Usage(self._gone)),
        }


def _usage(pid: int) -> Usage | None:
    """``None``: it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return Usage((int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS, int(fields[_RSS]) * _PAGE)
