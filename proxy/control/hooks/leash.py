"""Runs one program, and ends it with everything it has started when its time is over or nobody waits for it any more.

It is a small process of its own, between the front door and the program, and imports nothing but the standard library:
it has to outlive the death of the front door for a moment, and is the only one who can find all descendants. Whatever
the program forks, twice and in sessions of its own, becomes a child of this process when its parent ends
(``PR_SET_CHILD_SUBREAPER``). So "no children left" means that nothing is left.

An order comes as one line of JSON on standard input; the end of that input means that nobody waits any more, and comes
also when the front door is killed. The report goes to standard output, as JSON.

A program that ends by itself is the judge of what it leaves behind: that may be the very server it was to start. It is
let go, and no longer a descendant of ours.
"""

from __future__ import annotations

import base64
import ctypes
import errno
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

GRACE = 5.0
"""Seconds between the request to end and being killed."""

KEPT = 16 * 1024
"""Bytes of the output that are kept: the last ones."""

MOST_RESULT = 64 * 1024
"""Bytes that the file with the result may have."""

_PIECE = 64 * 1024
_SOON = 0.05
_LONG = 3600.0
_PR_SET_CHILD_SUBREAPER = 36
_INPUT, _REPORT = 0, 1
_UNWANTED = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


class Leash:
    """One program on its leash."""

    def __init__(self, order: dict[str, Any]) -> None:
        """``order`` has ``argv``, ``environment``, ``folder``, ``lock``, ``timeout`` and ``grace``."""
        self._order = order
        self._deadline = time.monotonic() + order["timeout"]
        self._unwanted = False
        self._child = 0
        self._status: int | None = None
        self._output = -1
        self._last = bytearray()
        self._printed = 0
        self._signals = _signals()
        self._poll = select.poll()
        self._poll.register(self._signals, select.POLLIN)
        self._poll.register(_INPUT, select.POLLIN)

    def run(self) -> dict[str, Any]:
        """The report, when it is over."""
        try:
            folder = tempfile.TemporaryDirectory(prefix="bluegreen-hook-", ignore_cleanup_errors=True)
        except OSError as error:
            return _not_started(error)
        with socket.socket(socket.AF_UNIX) as lock, folder as own:
            if not self._alone(lock):
                return {"end": "stopped" if self._unwanted else "busy"}
            result = Path(own) / "result.json"
            try:
                self._start(result)
            except OSError as error:
                return _not_started(error)
            end, left = self._watch()
            self._take_rest()
            return {**self._report(), "end": end, "left": left, **_read_result(result)}

    def _report(self) -> dict[str, Any]:
        return {
            "status": self._status and os.waitstatus_to_exitcode(self._status),
            "printed": self._printed,
            "output": base64.b64encode(self._last).decode(),
        }

    def let_go(self) -> None:
        """Leave what still writes to a reader, who stays for as long as anybody does: or it would end by SIGPIPE."""
        if self._output >= 0 and os.fork() == 0:
            for number in _UNWANTED:
                signal.signal(number, signal.SIG_DFL)
            os.chdir("/")
            os.closerange(0, 3)
            os.set_blocking(self._output, True)
            while os.read(self._output, _PIECE):
                pass
            os._exit(0)

    def _alone(self, lock: socket.socket) -> bool:
        """Wait until an earlier run is over: after a front door was killed, what it ran has some seconds to end."""
        while not self._over():
            with suppress(OSError):
                lock.bind(b"\0" + self._order["lock"].encode())
                return True
            self._look(_SOON)
        return False

    def _start(self, result: Path) -> None:
        reading, writing = os.pipe()
        try:
            process = subprocess.Popen(  # noqa: S603 - one of the programs that the config allows
                self._order["argv"],
                env={**self._order["environment"], "BLUEGREEN_RESULT": str(result)},
                cwd=self._order["folder"],
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,  # so that `kill 0` in a script does not end its leash
            )
        finally:
            os.close(writing)
        self._child, self._output = process.pid, reading
        process.returncode = 0  # it is waited for here, and not by that object
        os.set_blocking(reading, False)
        self._poll.register(reading, select.POLLIN)

    def _watch(self) -> tuple[str, list[int]]:
        """How it ended, and which processes could not be ended."""
        while self._status is None and not self._over():
            self._look(self._deadline - time.monotonic())
            self._reap()
        if self._status is not None:
            return "ended", []
        end = "stopped" if self._unwanted else "timeout"
        return end, self._end_all()

    def _over(self) -> bool:
        return self._unwanted or time.monotonic() >= self._deadline

    def _end_all(self) -> list[int]:
        """End all there is; those that cannot be ended."""
        _tell_all(signal.SIGTERM)  # once: whoever is started after that may be there to clean up
        until = time.monotonic() + self._order["grace"]
        while self._reap() and time.monotonic() < until:
            self._look(_SOON)
        until = time.monotonic() + self._order["grace"]
        while self._reap() and time.monotonic() < until:
            _tell_all(signal.SIGKILL)
            self._look(_SOON)
        return sorted(_descendants()) if self._reap() else []

    def _reap(self) -> bool:
        """Take note of the dead. Whether any child is left: the living, and those that come to us from them."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if process == 0:
                return True
            if process == self._child:
                self._status = status

    def _look(self, seconds: float) -> None:
        """Wait for so long or until something happens, and take notice of it."""
        for source, _ in self._poll.poll(min(max(0.0, seconds), _LONG) * 1000):
            if source == self._output:
                self._take()
            elif source == self._signals:
                self._unwanted |= not _UNWANTED.isdisjoint(os.read(source, _PIECE))
            elif not os.read(source, _PIECE):
                self._unwanted = True
                self._poll.unregister(source)

    def _take(self) -> bool:
        """Take a piece of the output; whether there may be more at once."""
        try:
            piece = os.read(self._output, _PIECE)
        except BlockingIOError:
            return False
        if not piece:
            self._poll.unregister(self._output)
            os.close(self._output)
            self._output = -1
            return False
        self._printed += len(piece)
        self._last += piece
        del self._last[:-KEPT]
        return True

    def _take_rest(self) -> None:
        """What it wrote before its end. Not more than a pipe holds: somebody it left behind may write for ever."""
        most = self._printed + 16 * _PIECE
        while self._output >= 0 and self._printed < most and self._take():
            pass


def _not_started(error: OSError) -> dict[str, Any]:
    return {"end": "not_started", "why": os.strerror(error.errno or 0), "file": error.filename}


def _close_others() -> None:
    """Close what the front door left open for its workers. A listening socket that is held here would outlive them."""
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2:
            with suppress(OSError):  # that of the folder itself is closed already
                os.close(descriptor)


def _signals() -> int:
    """Where the numbers of signals can be read that were sent to us."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *_UNWANTED):
        signal.signal(number, lambda *_: None)
    return reading


def _tell_all(number: signal.Signals) -> None:
    for process in _descendants():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def _descendants() -> list[int]:
    """All living processes that descend from us, parents before their children."""
    children: dict[int, list[int]] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                # The name of the program comes before the last parenthesis, and may hold anything.
                state, parent = (process / "stat").read_bytes().rpartition(b")")[2].split()[:2]
                if state not in (b"Z", b"X"):
                    children.setdefault(int(parent), []).append(int(process.name))
    found = list(children.get(os.getpid(), ()))
    for each in found:  # which grows meanwhile
        found += children.get(each, ())
    return found


def _read_result(file: Path) -> dict[str, str]:
    """What the program has written there, or why that cannot be read; nothing if it wrote nothing."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return {}
    except OSError as error:
        return {"result_trouble": "it is a link" if error.errno == errno.ELOOP else os.strerror(error.errno or 0)}
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return {"result_trouble": "it is not a regular file"}
    with os.fdopen(descriptor, "rb") as opened:
        content = opened.read(MOST_RESULT + 1)
    if len(content) > MOST_RESULT:
        return {"result_trouble": f"it is larger than {MOST_RESULT // 1024} KiB"}
    return {"result": base64.b64encode(content).decode()}


def main() -> None:
    """Carry out the order that comes on standard input."""
    _close_others()
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    leash = Leash(json.loads(line))
    report = leash.run()
    with suppress(OSError), os.fdopen(_REPORT, "wb") as output:  # it may be that nobody is there
        output.write(json.dumps(report).encode())
    leash.let_go()


if __name__ == "__main__":
    main()
