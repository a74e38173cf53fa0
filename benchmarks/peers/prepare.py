"""The environment of the benchmarks: the pinned peers, what draws the plot, and the project as plain Python.

Not every Python is built alike: without profile-guided optimisation (pyenv's, as a rule) the same work takes longer, by
up to 30 %. What a build says of itself does not tell (Debian's is optimised, and its configuration does not say so), so
those that are found are tried, and the quickest is taken. Any Python can run this module.

Run: python -m benchmarks.peers.prepare
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
VENV = FOLDER.parent / ".venv"
RESULTS = FOLDER.parent / "results"

_TRIES = 5
_SUITABLE = f"import ensurepip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
_STEPS = """
import re, time

FIELD = re.compile(rb"([a-z]+): *([^,]*)").search

class Account:
    __slots__ = ("bytes", "methods")

    def step(self, head):
        method, _, rest = head.partition(b" ")
        self.methods[method] = found = FIELD(rest)
        self.bytes += len(b"".join((method, found[2])))
        return self.bytes & 1

account = Account()
account.bytes, account.methods = 0, {}
began = time.process_time()
for _ in range(100_000):
    if account.step(b"GET / HTTP/1.1 host: example.com, length: 3"):
        pass
print((time.process_time() - began) * 1e4)
"""


def install() -> None:
    """Make the environment, once for each state of what it is made from."""
    asked = [FOLDER / "requirements.txt", ROOT / "requirements" / "lock.txt", ROOT / "pyproject.toml"]
    stamp, wanted = VENV / ".stamp", "".join(file.read_text() for file in asked)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    subprocess.run([quickest(), "-m", "venv", "--clear", str(VENV)], check=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "-r", str(FOLDER / "requirements.txt")], check=True)
    subprocess.run([*pip, "-c", str(asked[1]), "-e", str(ROOT)], check=True)
    stamp.write_text(wanted)


def pace(*pythons: str) -> dict[str, float]:
    """Nanoseconds that each Python takes for a few lines like those of a program, the best of some tries in turn."""
    found: dict[str, list[float]] = {}
    for _ in range(_TRIES):
        for python in pythons:
            run = subprocess.run([python, "-c", _STEPS], capture_output=True, text=True, check=True)
            found.setdefault(python, []).append(float(run.stdout))
    return {python: min(times) for python, times in found.items()}


def quickest() -> str:
    """The quickest Python of the version that runs this, of those that can make environments."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    candidates = [sys.executable]
    candidates += filter(None, (shutil.which(name, path=path) for path in (*os.get_exec_path(), "/usr/bin")))
    suitable = [
        python
        for python in dict.fromkeys(candidates)
        if subprocess.run([python, "-c", _SUITABLE], capture_output=True, check=False).returncode == 0
    ]
    times = pace(*suitable)
    return min(times, key=times.__getitem__) if times else sys.executable


if __name__ == "__main__":
    install()
