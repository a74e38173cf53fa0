"""The thread that writes a worker's access log: no disk, and no reader of a pipe, is so slow that requests wait for it.

The thread alone opens, writes and closes, so a batch can never go to a descriptor that was closed in the meantime.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Final

from proxy.logs.events import LogEvent
from proxy.logs.log import standard_error

STANDARD_OUTPUT: Final = 1
STANDARD_ERROR: Final = 2

WAITING_BATCHES: Final = 64
"""Batches that may wait for the disk before lines are thrown away."""

Lines = Sequence[bytes]


class LogWriter:
    """Writes batches of lines, in order, to a file or to standard output."""

    def __init__(self) -> None:
        """Nothing is open yet, and no thread runs before something is to be opened."""
        self._orders: SimpleQueue[Lines | str | None] = SimpleQueue()
        self._writing: threading.Thread | None = None
        self._fd = -1
        self._owned = False
        self._torn = False  # whether the last line was written in part
        self._taken = 0
        self._written = 0
        self.lost = 0
        """Lines that could not be written. Only the thread counts it up, until the end."""

    def open(self, path: str) -> None:
        """Write to this file (``-`` is standard output) what is handed over from now on, and close the one before."""
        self._orders.put(path)
        if self._writing is None:
            self._writing = threading.Thread(target=self._run, name="access-log", daemon=True)
            self._writing.start()

    def write(self, lines: Lines) -> bool:
        """Hand lines over; ``False`` when too much is waiting already, and they are not taken."""
        if self._orders.qsize() >= WAITING_BATCHES:
            return False
        self._taken += len(lines)
        self._orders.put(lines)
        return True

    def close(self, timeout: float) -> None:
        """Write what is waiting, for at most ``timeout`` seconds; what is not written then is lost."""
        if self._writing is not None:
            self._orders.put(None)
            self._writing.join(timeout)
            self.lost = self._taken - self._written

    # In the thread.

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            if isinstance(order, str):
                self._open(order)
            else:
                self._write(order)
        self._close()

    def _open(self, path: str) -> None:
        self._close()
        self._torn = False
        if path == "-":
            self._fd = STANDARD_OUTPUT
            return
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY, 0o640)
            self._owned = True
        except OSError as error:
            self._fd = STANDARD_ERROR
            standard_error().error(LogEvent.ACCESS_LOG_FAILED, path=path, error=error.strerror or str(error))

    def _close(self) -> None:
        if self._owned:
            self._owned = False
            with contextlib.suppress(OSError):
                os.close(self._fd)

    def _write(self, lines: Lines) -> None:
        for piece in _pieces(self._fd, lines):
            data = b"".join(piece)
            if self._torn:  # else the rest of a line and the next one would be one line that nobody can read
                data = b"\n" + data
            left = _write_all(self._fd, data)
            lost = min(left.count(b"\n"), len(piece))
            self.lost += lost  # a full disk, a reader that left: later lines may fare better
            self._written += len(piece) - lost
            if len(left) < len(data):
                self._torn = not data[: len(data) - len(left)].endswith(b"\n")


def _pieces(fd: int, lines: Lines) -> Sequence[Lines]:
    """What is written at once: to a file everything, to a pipe so little that lines of several workers cannot mix."""
    if not _is_pipe(fd):
        return [lines]
    pieces: list[list[bytes]] = []
    size = select.PIPE_BUF
    for line in lines:
        if size + len(line) > select.PIPE_BUF:
            pieces.append([])
            size = 0
        pieces[-1].append(line)
        size += len(line)
    return pieces


def _is_pipe(fd: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(fd).st_mode)
    except OSError:
        return False


def _write_all(fd: int, data: bytes) -> bytes:
    """What could not be written."""
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:  # somebody has made our standard output non-blocking: wait as if it were not
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            poll.poll()
        except OSError:
            break
    return data
