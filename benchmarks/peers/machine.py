"""Where something was measured, and what."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from benchmarks.peers import prepare
from benchmarks.peers.processes import CORES
from benchmarks.peers.proxies import nginx_program

SLOWER = 1.05


def machine() -> str:
    """Cores, processor and kernel."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal: *(\d+)", Path("/proc/meminfo").read_text())
    name = model[1] if model else platform.machine()
    size = f", {int(memory[1]) / 2**20:.0f} GiB" if memory else ""
    return f"{len(CORES)} cores of {name}{size}, Linux {platform.release()}"


def pythons(used: Mapping[str, Path]) -> dict[str, str]:
    """Of each of our programs, what Python runs it, and how quick that is beside the quickest of this machine."""
    programs = {name: str(path.resolve()) for name, path in used.items()}  # that of an environment is a link
    best = str(Path(prepare.quickest()).resolve())
    paces = prepare.pace(*{best, *programs.values()})
    return {name: _python(program, paces[program] / paces[best]) for name, program in programs.items()}


def _python(program: str, slower: float) -> str:
    version = _output(program, "-c", "import platform; print(platform.python_version())")
    if slower < SLOWER:
        return f"Python {version}, as quick as any of that version here"
    return f"Python {version}, {slower:.2f} times slower than another build of it that is here"


def versions() -> dict[str, str]:
    """Of the others, and of what makes the load."""
    pinned = re.findall(r"^([\w-]+)==(\S+)", (prepare.FOLDER / "requirements.txt").read_text(), re.MULTILINE)
    found = {name: version for name, version in pinned if not name.startswith(("nginx", "matplotlib"))}
    found["nginx"] = _output(nginx_program(), "-v").rpartition("/")[2]
    return found | {"wrk": _output("wrk", "-v").partition(" [")[0].removeprefix("wrk ")}


def _output(*command: str) -> str:
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return run.stdout.strip().partition("\n")[0]
