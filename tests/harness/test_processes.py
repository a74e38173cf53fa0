"""No process outlives the tests."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.harness.processes import ROOT, Process, alive, free_port, members, wait_until

pytestmark = pytest.mark.system

# A process that has a child of its own, in the same group, and says both their numbers.
FAMILY = "import subprocess, sys; c = subprocess.Popen(['sleep', '60']); print(c.pid, flush=True); c.wait()"

# A test run that starts such a family and waits to be killed.
RUN = f"""
import time
from pathlib import Path
from tests.harness.processes import Process
family = Process(["-c", {FAMILY!r}], stderr=Path("/dev/null"))
print(family.pid, family.stdout.readline().decode(), flush=True)
time.sleep(60)
"""


def test_killing_takes_the_whole_family(tmp_path: Path) -> None:
    """Children go with their parent, and twice is no harm."""
    family = Process(["-c", FAMILY], stderr=tmp_path / "stderr")
    child = int(family.stdout.readline())
    assert set(members(family.pid)) == {family.pid, child}
    family.kill()
    assert not alive(child)
    family.kill()
    assert family.exit_code == -signal.SIGKILL


def test_nothing_is_left_when_the_tests_themselves_are_killed() -> None:
    """SIGKILL to a test run ends what it had started, although it could not say so."""
    with subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, cwd=ROOT, text=True) as run:
        assert run.stdout is not None
        pids = [int(word) for word in run.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(alive, pids))
        run.kill()
    wait_until(lambda: not any(map(alive, pids)), timeout=5, what=f"end of {pids}")


def test_waiting_says_what_for() -> None:
    """A condition that stays false ends in an error that names it and may tell how far things had come."""
    with pytest.raises(TimeoutError, match="the moon"):
        wait_until(lambda: False, timeout=0.01, what="the moon")
    with pytest.raises(TimeoutError, match="as far as 1"):
        wait_until(lambda: False, timeout=0.01, what=lambda: "as far as 1")
    assert wait_until(time.monotonic, timeout=0, what="now") > 0


def test_free_ports_are_not_lent_to_outgoing_connections() -> None:
    """A port that a stopped server comes back to must not be taken meanwhile by a client's connection."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert free_port() < lowest
