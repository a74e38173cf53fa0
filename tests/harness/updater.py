"""The hook of operators whose servers are ``application.py``: ``python updater.py FOLDER [SECONDS]``.

It stops exactly the servers of ``$BLUEGREEN_UPSTREAMS``, whatever they still do, and starts them at the same addresses
as ``$BLUEGREEN_VERSION``, so many seconds later. The tests start all servers by it in the first place. What it does is
written to ``hooks.log``, also that another run of it was still at work, which must never be.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

WITHIN = 20.0
"""Seconds that a server may take to start or to be gone."""


def _append(file: Path, *words: str) -> None:
    with file.open("a") as log:
        log.write(" ".join(words) + "\n")


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"  # a zombie has let go of its port


def _last_start(folder: Path, port: str) -> tuple[str, int] | None:
    """The version and the process of the server that was last started at a port."""
    log = folder / f"{port}.log"
    starts = (
        [line.split() for line in log.read_text().splitlines() if line.startswith("start ")] if log.exists() else []
    )
    return (starts[-1][1], int(starts[-1][3])) if starts else None


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.005)


def stop(folder: Path, port: str) -> None:
    """Kill the server at a port, and wait until it is gone."""
    last = _last_start(folder, port)
    if last is None or not _alive(last[1]):
        return
    _append(folder / f"{port}.log", "stop", last[0], f"{time.monotonic():.6f}")
    with suppress(ProcessLookupError):
        os.kill(last[1], signal.SIGKILL)
    _wait(lambda: not _alive(last[1]), f"end of {port}")


def start(folder: Path, port: str, version: str) -> subprocess.Popen[bytes]:
    """Start a server that outlives us."""
    program = Path(__file__).with_name("application.py")
    with (folder / f"{port}.err").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(program), str(folder), port, version],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def wait_started(folder: Path, port: str, version: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server listens."""
    _wait(lambda: server.poll() is not None or _last_start(folder, port) == (version, server.pid), f"start of {port}")
    if server.returncode is not None:
        raise RuntimeError(f"the server at {port} has ended: {(folder / f'{port}.err').read_text()[-1000:]}")
    server.returncode = 0  # it stays


def main() -> None:
    """Do it."""
    folder, pause = Path(sys.argv[1]), float((sys.argv[2:] or ["0"])[0])
    told = {name: os.environ.get(f"BLUEGREEN_{name}", "") for name in ("ACTION", "BATCH", "VERSION", "UPSTREAMS")}
    with (folder / "hooks.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _append(folder / "hooks.log", "overlap", *told.values())
            raise SystemExit(3) from None
        _append(folder / "hooks.log", "begin", *told.values())
        ports = [address.rpartition(":")[2] for address in told["UPSTREAMS"].split()]
        for port in ports:
            stop(folder, port)
        time.sleep(pause)
        started = {port: start(folder, port, told["VERSION"]) for port in ports}
        for port, server in started.items():
            wait_started(folder, port, told["VERSION"], server)
        _append(folder / "hooks.log", "end", *told.values())


if __name__ == "__main__":
    main()
