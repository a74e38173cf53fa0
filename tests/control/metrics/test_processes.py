from __future__ import annotations

import subprocess
import sys

from proxy.control.metrics.processes import SUPERVISOR, WORKER, ProcessTimes
from tests.harness.processes import wait_until

BUSY = "while True: pass"


def test_the_time_of_workers_that_have_ended_still_counts() -> None:
    """What workers have used never falls: neither when one ends nor when another one takes its place."""
    times = ProcessTimes()
    worker = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        wait_until(lambda: times.read([worker.pid])[WORKER].cpu_seconds > 0.05, timeout=20, what="some work")
        used = times.read([worker.pid])[WORKER]
    finally:
        worker.kill()
        worker.wait()
    assert used.resident_bytes > 1_000_000
    gone = times.read([worker.pid])[WORKER]
    assert gone.cpu_seconds >= used.cpu_seconds
    assert gone.resident_bytes == 0
    assert times.read([])[WORKER].cpu_seconds == gone.cpu_seconds


def test_the_supervisor_is_told_apart() -> None:
    """It is the process that asks."""
    used = ProcessTimes().read([])
    assert used[SUPERVISOR].cpu_seconds > 0
    assert used[SUPERVISOR].resident_bytes > 1_000_000
    assert used[WORKER].cpu_seconds == used[WORKER].resident_bytes == 0
