"""What changes of the table cost the requests of the same time: latency with and without them.

Clients ask at a moderate rate without pause. Meanwhile stretches of quiet take turns with stretches of changes: 50
switches a second; 10 splits a second, as a gradual shift would set them; 10 changes a second of one upstream's weight,
after which its whole pool is dealt out anew. Each stretch is compared with the quiet one just before it, in which both
colors have half of the traffic: so no stretch has more connections to make than the other.

Run: python benchmarks/bench_switch_cost.py [--rounds 5] [--seconds 3] [--rate 1500] [--servers 1,500]
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.peers import processes
from benchmarks.peers.asking import Asked, asking
from benchmarks.peers.colors import addresses
from benchmarks.peers.machine import machine
from benchmarks.peers.prepare import RESULTS

SERVICE = "/v1/services/default"

WARM_UP = 1.5
"""Seconds before each stretch, in which connections to both colors are made."""


class Admin:
    """The admin API, over one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def call(self, method: str, path: str, body: object = None) -> dict[str, object]:
        """The answer to one call, which went well."""
        self._connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        answer: dict[str, object] = json.loads(response.read())
        if response.status != 200:
            raise SystemExit(f"{method} {path}: {response.status} {answer}")
        return answer


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is done to the table again and again."""

    rate: float
    """How often a second, if the calls are quick enough."""
    make: Callable[[Admin, int, str], object]
    """Do it once; it is told for the how-many-th time, and the address of the first upstream."""


def _switch(admin: Admin, number: int, address: str) -> None:
    admin.call("POST", f"{SERVICE}/switch", {"to": ("green", "blue")[number % 2]})


def _split(admin: Admin, number: int, address: str) -> None:
    admin.call("PUT", f"{SERVICE}/split", {"green": 40 + number % 21})


def _weight(admin: Admin, number: int, address: str) -> None:
    admin.call("PATCH", f"{SERVICE}/pools/blue/upstreams/{address}", {"weight": 2 + number % 2})


CHANGES = {"switches": Change(50, _switch), "splits": Change(10, _split), "weights": Change(10, _weight)}


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of changes, with the quiet one before it. Latencies are milliseconds."""

    servers: int
    change: str
    made: float
    """Changes in a second."""
    quiet: tuple[float, float, float]
    """p50, p99 and p99.9 without changes ..."""
    busy: tuple[float, float, float]
    """... and with them."""

    @property
    def ratio(self) -> float:
        """How much larger the changes make the p99."""
        return self.busy[1] / self.quiet[1]


@dataclass(frozen=True, slots=True)
class _Window:
    change: str
    began: float
    middle: float
    end: float
    made: int


def measure(servers: int, options: argparse.Namespace) -> list[Stretch]:
    """Run this front door with so many servers in each color, and change its table under load."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cost-")))
        port, spare, blue, green = (processes.free_port() for _ in range(4))
        origin = [sys.executable, "-m", "benchmarks.peers.colors", str(blue), str(green), str(servers)]
        stack.enter_context(processes.running(origin, cores=None, port=green, log=folder / "colors.log"))
        config = _config(folder, port, spare, {"blue": blue, "green": green}, servers)
        program = [sys.executable, "-m", "proxy", "run", "--config", str(config)]
        stack.enter_context(processes.running(program, cores=None, port=port, log=folder / "log"))
        admin = Admin(spare)
        _wait_healthy(admin, 2 * servers)
        with asking(port, options.rate, folder / "asked.json", one_shot=0) as asked:
            windows = [
                _stretch(admin, change, f"127.0.0.1:{blue}", options.seconds)
                for _ in range(options.rounds)
                for change in options.changes
            ]
        return [_judged(servers, window, asked) for window in windows]


def _config(folder: Path, port: int, spare: int, ports: dict[str, int], servers: int) -> Path:
    pools = {color: {"upstreams": [f"{host}:{at}" for host in addresses(servers)]} for color, at in ports.items()}
    file = folder / "bluegreen.yaml"
    config = {
        "listen": [f"127.0.0.1:{port}"],
        "workers": 1,
        "admin": {"listen": f"127.0.0.1:{spare}"},
        "state": {"path": str(folder / "bluegreen.db")},
        "access_log": {"format": "off"},
        "services": {"default": {"pools": pools, "health": {"interval": "60s", "timeout": "5s"}}},
    }
    file.write_text(json.dumps(config))  # JSON is YAML
    return file


def _wait_healthy(admin: Admin, upstreams: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        text = json.dumps(admin.call("GET", SERVICE))
        if text.count('"health": "healthy"') == upstreams:
            return
        time.sleep(0.2)
    raise SystemExit("the upstreams did not all become healthy")


def _stretch(admin: Admin, name: str, address: str, seconds: float) -> _Window:
    change = CHANGES[name]
    admin.call("PUT", f"{SERVICE}/split", {"green": 50})
    time.sleep(WARM_UP)
    began = time.monotonic()
    time.sleep(seconds)
    due = middle = time.monotonic()
    made = 0
    while (now := time.monotonic()) < middle + seconds:
        if now < due:
            time.sleep(due - now)
        change.make(admin, made, address)
        made += 1
        due += 1 / change.rate
    return _Window(name, began, middle, time.monotonic(), made)


def _judged(servers: int, window: _Window, asked: Sequence[Asked]) -> Stretch:
    quiet = _percentiles(asked, window.began, window.middle)
    busy = _percentiles(asked, window.middle, window.end)
    return Stretch(servers, window.change, window.made / (window.end - window.middle), quiet, busy)


def _percentiles(asked: Sequence[Asked], start: float, end: float) -> tuple[float, float, float]:
    if failures := {each.failure for each in asked if each.failure}:
        raise SystemExit(f"requests failed: {failures}")
    times = sorted((each.over - each.sent) * 1e3 for each in asked if start <= each.sent < end)
    return times[len(times) // 2], times[len(times) * 99 // 100], times[len(times) * 999 // 1000]


def table(stretches: Sequence[Stretch]) -> Iterator[str]:
    """The result as a Markdown table."""
    yield "| upstreams | changes | a second | p50, p99, p99.9 without, ms | with, ms | p99 ratio (median, min, max) |"
    yield "| ---: | --- | ---: | --- | --- | --- |"
    for servers, change in dict.fromkeys((stretch.servers, stretch.change) for stretch in stretches):
        mine = [each for each in stretches if (each.servers, each.change) == (servers, change)]
        ratios = [each.ratio for each in mine]
        yield (
            f"| {2 * servers:,} | {change} | {statistics.median(each.made for each in mine):.0f} "
            f"| {_medians([each.quiet for each in mine])} | {_medians([each.busy for each in mine])} "
            f"| {statistics.median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f}) |"
        )


def _medians(rows: Sequence[tuple[float, float, float]]) -> str:
    return ", ".join(f"{statistics.median(column):.2f}" for column in zip(*rows, strict=True))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of each stretch")
    parser.add_argument("--rate", type=float, default=1500, help="requests in a second")
    parser.add_argument("--servers", type=lambda text: [int(n) for n in text.split(",")], default=[1, 500])
    parser.add_argument("--changes", type=lambda text: text.split(","), default=list(CHANGES))
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/switch_cost.{json,md}")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    options = _arguments()
    stretches = [stretch for servers in options.servers for stretch in measure(servers, options)]
    how = f"{options.rate:g} requests a second, one worker, on {machine()}: `python benchmarks/bench_switch_cost.py`."
    text = "\n".join([how, "", *table(stretches)])
    print(text)
    if options.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "switch_cost.md").write_text(text + "\n")
        (RESULTS / "switch_cost.json").write_text(json.dumps([asdict(each) for each in stretches], indent=1) + "\n")


if __name__ == "__main__":
    main()
