from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from proxy.demo import descent
from tests.harness.processes import alive, wait_until

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
PARENT = """
import sys, time
from pathlib import Path
from proxy.demo import descent
child = descent.start([sys.executable, "-c", "import time; time.sleep(600)"], output=Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(600)
"""


def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Even by kill -9, which leaves it no time to do anything about them."""
    arguments = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not alive(child), timeout=20, what="the end of the child")


def test_ending(tmp_path: Path) -> None:
    """All are told at once, and gone when it returns."""
    processes = [descent.start(SLEEPER, output=tmp_path / "log") for _ in range(2)]
    descent.end(processes)
    assert [process.returncode for process in processes] == [-signal.SIGTERM] * 2


def test_who_does_not_listen_is_killed_with_its_children(tmp_path: Path) -> None:
    """Nothing is left behind."""
    log = tmp_path / "log"
    process = descent.start([sys.executable, "-c", STUBBORN], output=log)
    wait_until(lambda: log.read_text().endswith("\n"), timeout=20, what="its children")
    child = int(log.read_text())
    descent.end([process], patience=0.1)
    assert process.returncode == -signal.SIGKILL
    wait_until(lambda: not alive(child), timeout=20, what="the end of the child")


def test_ending_what_has_ended(tmp_path: Path) -> None:
    """Nothing to do."""
    process = descent.start([sys.executable, "-c", ""], output=tmp_path / "log")
    process.wait(20)
    descent.end([process])
    assert process.returncode == 0
