"""CPU time per request of this front door and of the proxies that people run otherwise, side by side.

Every proxy has one worker on core 0; the application and the load are on core 1. The rounds are interleaved, and each
figure is compared with the cheaper of nginx and HAProxy of the same round: absolute figures drift, ratios hold.

Run: python benchmarks/bench_peers.py [--rounds 5] [--seconds 2] [--only small,close] [--proxies nginx,haproxy]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.peers import loads, processes, proxies

RESULTS = Path(__file__).resolve().parent / "results"

SCENARIOS: dict[str, loads.Load] = {
    "small": loads.get("/"),
    "close": loads.get("/", close=True),
    "10k": loads.get("/10k"),
    "1m": loads.get("/1m"),
    "post10k": loads.post(10 * 1024),
    "post1m": loads.post(1024 * 1024),
    "chunked64k": loads.get("/chunked"),
    "websocket": loads.websockets,
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one scenario on one proxy."""

    scenario: str
    proxy: str
    round: int
    microseconds: float
    """CPU time per request, user and system, of the proxy and all its processes."""
    rate: float
    """Requests in a second."""
    memory: int
    """Bytes, at the end of the round."""


def measure(options: argparse.Namespace) -> Iterator[Sample]:
    """Start everything, and ask in rounds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        origin = processes.free_port()
        command = [sys.executable, "-m", "benchmarks.peers.origin", str(origin)]
        stack.enter_context(processes.running(command, core=1, port=origin, log=folder / "origin.log"))
        doors = {}
        for name in options.proxies:
            own = folder / name
            own.mkdir()
            plan = proxies.Plan(own, processes.free_port(), processes.free_port(), [f"127.0.0.1:{origin}"])
            start = processes.running(proxies.PROXIES[name](plan), core=0, port=plan.port, log=own / "log")
            doors[name] = (plan, stack.enter_context(start))
        time.sleep(3)  # health checks have found the application
        for number in range(options.rounds):
            for scenario in options.only:
                for name, (plan, pid) in doors.items():
                    yield _round(scenario, name, number, plan, pid, options.seconds)


def _round(scenario: str, name: str, number: int, plan: proxies.Plan, pid: int, seconds: float) -> Sample:
    before = processes.cpu_seconds(pid)
    done = SCENARIOS[scenario](plan.port, seconds, plan.folder)
    spent = processes.cpu_seconds(pid) - before
    microseconds = spent / done.requests * 1e6
    return Sample(scenario, name, number, microseconds, done.requests / done.seconds, processes.memory(pid))


def ratios(samples: list[Sample], scenario: str, proxy: str) -> list[float]:
    """What a proxy costs, as a share of what the cheaper mark costs in the same round."""
    found = []
    for sample in samples:
        if (sample.scenario, sample.proxy) == (scenario, proxy):
            marks = [
                other.microseconds
                for other in samples
                if (other.scenario, other.round) == (scenario, sample.round) and other.proxy in proxies.MARKS
            ]
            found.append(sample.microseconds / min(marks))
    return found


def table(samples: list[Sample]) -> Iterator[str]:
    """The result as a Markdown table."""
    yield "| scenario | proxy | CPU us a request | ratio to the cheaper mark (median, min, max) | requests/s | MiB |"
    yield "| --- | --- | ---: | --- | ---: | ---: |"
    for scenario, proxy in dict.fromkeys((sample.scenario, sample.proxy) for sample in samples):
        mine = [sample for sample in samples if (sample.scenario, sample.proxy) == (scenario, proxy)]
        ratio = ratios(samples, scenario, proxy)
        yield (
            f"| {scenario} | {proxy} | {statistics.median(s.microseconds for s in mine):.1f} "
            f"| {statistics.median(ratio):.2f} ({min(ratio):.2f}, {max(ratio):.2f}) "
            f"| {statistics.median(s.rate for s in mine):,.0f} | {max(s.memory for s in mine) / 2**20:.0f} |"
        )


def machine() -> str:
    """Where this was measured."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}, Python {platform.python_version()}"


def _arguments() -> argparse.Namespace:
    def several(text: str) -> list[str]:
        return text.split(",")

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--only", type=several, default=list(SCENARIOS))
    parser.add_argument("--proxies", type=several, default=["bluegreen", "nginx", "haproxy"])
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/peers.{json,md}")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    options = _arguments()
    proxies.install()
    samples = list(measure(options))
    text = "\n".join([f"Measured on {machine()}: `python benchmarks/bench_peers.py`.", "", *table(samples)])
    print(text)
    if options.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "peers.md").write_text(text + "\n")
        (RESULTS / "peers.json").write_text(json.dumps([asdict(sample) for sample in samples], indent=1) + "\n")


if __name__ == "__main__":
    main()
