from __future__ import annotations

import subprocess
import sys

import pytest

LOSES = """
import signal, sys, time
from proxy.cli.interrupts import keep_interrupts

class Unlucky:
    def __del__(self):
        signal.raise_signal(signal.{name})
        time.sleep(0)  # where the handler is run

def ended(*_):
    sys.exit(143)

keep_interrupts()
signal.signal(signal.SIGTERM, ended)
try:
    Unlucky()
    time.sleep(30)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_comes_amid_a_finaliser_still_ends_the_command(name: str, code: int) -> None:
    """Python prints and forgets what is raised there; the command must not."""
    ended = subprocess.run([sys.executable, "-c", LOSES.format(name=name)], capture_output=True, timeout=20)
    assert (ended.returncode, ended.stderr) == (code, b"")


def test_other_errors_of_finalisers_are_told_as_ever() -> None:
    """They are somebody's mistake."""
    program = """
from proxy.cli.interrupts import keep_interrupts
class Broken:
    def __del__(self):
        raise ValueError("broken")
keep_interrupts()
Broken()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
    assert ended.returncode == 0
    assert "ValueError: broken" in ended.stderr
