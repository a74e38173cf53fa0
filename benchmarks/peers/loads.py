"""What is asked of the proxies: each load runs for some seconds, and says how much it got done.

All but WebSockets is wrk's work: 32 connections, each with one request under way. A bad answer ends the benchmark.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import echo
from benchmarks.peers.processes import LOAD_CORES

BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Referer: http://shop.example.com/products/shoes?page=3",
    "DNT: 1",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-User: ?1",
    "Upgrade-Insecure-Requests: 1",
    "Priority: u=0, i",
    "Cache-Control: no-cache",
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=all",
)
"""With Host the fifteen fields of a browser's request."""

CONNECTIONS = 32
VARIANTS = 10_000

_SUM = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("@ %d %d %d %d\\n", summary.requests, summary.duration, summary.bytes,
    e.connect + e.read + e.write + e.timeout + e.status))
end
"""
_POST = 'wrk.method = "POST"\nwrk.body = string.rep("x", {size})\n'
_VARIED = """
local prepared, at = {{}}, 0
init = function(args)
  for line in io.lines("{file}") do
    local session, page = line:match("(%S+) (%S+)")
    wrk.headers["Cookie"] = "session=" .. session .. "; theme=dark; consent=all"
    wrk.headers["Referer"] = "http://shop.example.com/products/shoes?page=" .. page
    prepared[#prepared + 1] = wrk.format()
  end
end
request = function()
  at = at % #prepared + 1
  return prepared[at]
end
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a load got done, and in which time."""

    requests: int
    seconds: float


Load = Callable[[int, float, Path], Done]
"""Asks the proxy at a port for so many seconds; the folder is for files."""


def get(path: str, size: int, *, close: bool = False) -> Load:
    """A browser's GET over and over, whose answer has ``size`` bytes; ``close`` takes a new connection for each."""
    fields = BROWSER + (("Connection: close",) if close else ())

    def load(port: int, seconds: float, folder: Path) -> Done:
        return _wrk(port, path, seconds, folder, size=size, fields=fields)

    return load


def varied(port: int, seconds: float, folder: Path) -> Done:
    """The small GET with another Cookie and another Referer each time, so that nobody has seen the head before."""
    file = folder / "varied.txt"
    if not file.exists():
        draw = random.Random(0)
        lines = (f"{draw.getrandbits(128):032x} {draw.randrange(10_000)}\n" for _ in range(VARIANTS))
        file.write_text("".join(lines))
    return _wrk(port, "/", seconds, folder, fields=BROWSER, script=_VARIED.format(file=file))


def post(size: int) -> Load:
    """A browser's POST of so many bytes."""

    def load(port: int, seconds: float, folder: Path) -> Done:
        return _wrk(port, "/", seconds, folder, fields=BROWSER, script=_POST.format(size=size))

    return load


def _wrk(
    port: int,
    path: str,
    seconds: float,
    folder: Path,
    *,
    fields: tuple[str, ...],
    size: int = 0,
    script: str = "",
) -> Done:
    file = folder / "load.lua"
    file.write_text(script + _SUM)
    command = ["taskset", "-c", ",".join(map(str, LOAD_CORES)), "wrk", "-t1", f"-c{CONNECTIONS}"]
    command += [f"-d{max(1, round(seconds))}s", "-s", str(file), *(part for field in fields for part in ("-H", field))]
    run = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=False)
    numbers = [line.split()[1:] for line in run.stdout.splitlines() if line.startswith("@ ")]
    if run.returncode or not numbers:
        raise SystemExit(f"wrk failed:\n{run.stdout}{run.stderr}")
    requests, microseconds, received, errors = map(int, numbers[0])
    if errors or not requests or received < requests * size:
        raise SystemExit(f"the load went wrong on port {port}:\n{run.stdout}{run.stderr}")
    return Done(requests, microseconds / 1e6)


def websockets(port: int, seconds: float, folder: Path) -> Done:
    """WebSocket messages of 128 bytes there and back."""
    return Done(*echo.run(port, CONNECTIONS, seconds))
