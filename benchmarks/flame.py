"""Where the CPU time of a small request goes, as a flame graph: the compiled worker under load, watched by perf.

Each box is a function, its width the share of the time that was spent in it and in what it calls; below it is who
called it. Shown are our own functions, system calls (red), and the loop; what is above none of them is theirs.

Needs perf (Debian: linux-perf) and `make compiled`. Run: benchmarks/.venv/bin/python benchmarks/flame.py [--seconds 5]
"""

from __future__ import annotations

import argparse
import html
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.peers import loads, origin, ours, processes
from benchmarks.peers.prepare import RESULTS
from benchmarks.peers.proxies import Plan

WIDTH, HEIGHT = 1200, 16
LEAST = 0.002
"""Share of the time below which a box is left out."""

_OURS = re.compile(r"CPy(?:Def|Py)_(\w+?)___(\w+)").search
_KERNEL = re.compile(r"__x64_sys_(\w+)").search
_LOOP = re.compile(r"^(uv__io_poll|uv__run_idle)$").search


class Box:
    """A function as it was called from one place."""

    def __init__(self) -> None:
        self.count = 0
        self.callees: dict[str, Box] = {}

    def add(self, names: list[str]) -> None:
        """One sample of it, and of what it had called, outermost first."""
        self.count += 1
        if names:
            self.callees.setdefault(names[0], Box()).add(names[1:])


def record(python: Path, seconds: float, folder: Path) -> str:
    """What perf saw of the worker, as text."""
    ports = [processes.free_port() for _ in range(3)]
    application = [sys.executable, "-m", "benchmarks.peers.origin", str(ports[2]), "1"]
    plan = Plan(folder, ports[0], ports[1], [f"127.0.0.1:{ports[2]}"])
    command = ours.run_by(python)(plan)
    with (
        processes.running(application, cores=processes.LOAD_CORES, port=ports[2], log=folder / "origin"),
        processes.running(command, cores=processes.CORES[:1], port=plan.port, log=folder / "log") as pid,
    ):
        worker = _worker_of(pid)
        load = threading.Thread(target=loads.get("/", len(origin.SMALL)), args=(plan.port, seconds + 3, folder))
        load.start()
        data = folder / "perf.data"
        watch = ["perf", "record", "--call-graph", "dwarf,8192", "-F", "1500", "-p", str(worker), "-o", str(data)]
        subprocess.run([*watch, "--", "sleep", str(seconds)], check=True, capture_output=True)
        load.join()
        script = ["perf", "script", "-i", str(data), "-F", "ip,sym,dso"]
        return subprocess.run(script, check=True, capture_output=True, text=True).stdout


def _worker_of(pid: int) -> int:
    """The worker of a front door, which begins to serve a little later than it listens."""
    for _ in range(100):
        time.sleep(0.1)
        for each in processes.tree(pid):
            if b"worker" in Path(f"/proc/{each}/cmdline").read_bytes():
                return each
    raise SystemExit("the front door has no worker")


def stacks(script: str) -> Iterator[list[str]]:
    """The named frames of each sample, outermost first."""
    for sample in script.split("\n\n"):
        names: list[str] = []
        for line in reversed(sample.splitlines()):
            name = _name(line)
            if name and (not names or names[-1] != name):
                names.append(name)
        if names:
            yield names


def _name(line: str) -> str:
    symbol, _, _ = line.strip().rpartition(" (")
    if found := _OURS(symbol):
        return f"{found[1]}.{found[2].replace('___', '.')}"
    if found := _KERNEL(symbol):
        return f"kernel: {found[1]}"
    return "event loop" if _LOOP(symbol) else ""


def draw(root: Box, title: str) -> str:
    """The picture as SVG."""
    boxes = list(_boxes(root, 0.0, 0, root.count))
    height = (max(level for *_, level in boxes) + 3) * HEIGHT
    background = '<rect width="100%" height="100%" fill="white"/>'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif">',
        f'{background}<g font-size="11"><text x="4" y="13">{html.escape(title)}</text>',
    ]
    for name, left, share, level in boxes:
        x, width, y = left * WIDTH, max(share * WIDTH - 0.5, 0.5), height - (level + 1) * HEIGHT
        color = "#e08070" if name.startswith("kernel") else "#f0d080" if "." in name else "#c0c0c0"
        text = html.escape(name[: int(width / 6.2)]) if width > 30 else ""
        box = f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{HEIGHT - 1}" fill="{color}"/>'
        label = f'<text x="{x + 2:.1f}" y="{y + 12}">{text}</text>'
        parts.append(f"<g><title>{html.escape(name)}: {share:.1%}</title>{box}{label}</g>")
    return "\n".join([*parts, "</g></svg>\n"])


def _boxes(box: Box, left: float, level: int, total: int) -> Iterator[tuple[str, float, float, int]]:
    for name, callee in sorted(box.callees.items(), key=lambda item: -item[1].count):
        share = callee.count / total
        if share >= LEAST:
            yield name, left, share, level
            yield from _boxes(callee, left, level + 1, total)
            left += share


def main() -> None:
    """Watch and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--compiled", type=Path, default=ours.COMPILED, help="the Python that has the compiled program")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the directory to write to")
    options = parser.parse_args()
    root = Box()
    with tempfile.TemporaryDirectory(prefix="flame-") as folder:
        for names in stacks(record(options.compiled, options.seconds, Path(folder))):
            root.add(names)
    options.results.mkdir(parents=True, exist_ok=True)
    file = options.results / "flame.svg"
    file.write_text(draw(root, f"A small request, compiled: {root.count} samples of the worker"))
    print(file)


if __name__ == "__main__":
    main()
