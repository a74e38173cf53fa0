"""The command as a process of its own: behind pipes, or on a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

COMMAND = [sys.executable, "-m", "proxy"]
PATIENCE = 20.0
"""Seconds, on a busy machine."""


def run_piped(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run it to its end with pipes as its output."""
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE, **options)


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run it with pipes as its output."""
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


def interrupted(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
    """Send it a signal; how it ends, and what it wrote since."""
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


@dataclass(slots=True)
class Terminal:
    """A command on a terminal of 100 columns."""

    process: subprocess.Popen[bytes]
    _fd: int
    text: str = field(default="")
    """All that was shown so far, with what moves the cursor and sets colours."""

    def wait_for(self, words: str) -> None:
        """Until something is shown."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.text:
            assert time.monotonic() < deadline, f"{words!r} is not shown:\n{self.text}"
            if not self._read():
                assert words in self.text, f"it ended without showing {words!r}:\n{self.text}"

    def resize(self, *, columns: int, lines: int) -> None:
        """Give it another size, as who drags its corner does."""
        termios.tcsetwinsize(self._fd, (lines, columns))
        self.process.send_signal(signal.SIGWINCH)

    def end(self) -> int:
        """Until it has ended; its exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        with contextlib.suppress(OSError):  # Linux says so when nobody has the terminal open any more
            data = os.read(self._fd, 65_536)
            self.text += data.decode(errors="replace")
            return bool(data)
        return False


@contextmanager
def on_terminal(*arguments: str, **environ: str) -> Iterator[Terminal]:
    """Run it on a terminal."""
    ours, theirs = pty.openpty()
    settings = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", **environ}
    process = subprocess.Popen([*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=settings)
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
