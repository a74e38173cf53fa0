"""The thread that writes a worker's access log: no disk, and no reader of a pipe, is so slow that requests wait for it.

The thread alone opens, writes and closes, so a batch can never go to a descriptor that was closed in the meantime.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
import sys
import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Final

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
        self.lost = 0
        """Lines that could not be written. Only the thread counts it up."""

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
        self._orders.put(lines)
        return True

    def close(self, timeout: float) -> None:
        """Write what is waiting, for at most ``timeout`` seconds."""
        if self._writing is not None:
            self._orders.put(None)
            self._writing.join(timeout)

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
        if path == "-":
            self._fd = sys.stdout.fileno()
            return
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY, 0o640)
            self._owned = True
        except OSError as error:
            self._fd = sys.stderr.fileno()
            sys.stderr.write(f"access log {path}: {error.strerror}; writing to standard error\n")

    def _close(self) -> None:
        if self._owned:
            self._owned = False
            with contextlib.suppress(OSError):
                os.close(self._fd)

    def _write(self, lines: Lines) -> None:
        for piece in _pieces(self._fd, lines):
            try:
                _write_all(self._fd, b"".join(piece))
            except OSError:  # a full disk, a reader that left: later lines may fare better
                self.lost += len(piece)


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


def _write_all(fd: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:  # somebody has made our standard output non-blocking: wait as if it were not
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            poll.poll()
