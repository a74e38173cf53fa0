from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_kill_9_leaves_the_old_or_the_new_and_never_a_mix(path: Path) -> None:
    """A committing program is killed 100 times at random moments: all that it had told of is there, whole, at most one
    commit more, and will, journal and operations are always of the same commit."""
    program = [sys.executable, "-m", "tests.control.store.committer", str(path), "100"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert (done.stdout, done.stderr, done.returncode) == ("100 good\n", "", 0)
