"""Forty switches under load, as the users of each proxy do them: what fails, what is stale, how long the call takes.

A request has failed if it could not connect, was reset, closed or cut, answered with an error, or not at all in 5 s. It
is stale if it was sent after the switching command had returned, and answered by the old color all the same. Every
proxy has two workers (HAProxy, Caddy and Traefik: threads); 28 clients send at a bounded rate, 4 of them over a new
connection for each request.

Run: python benchmarks/bench_switch_peers.py [--switches 40] [--pause 0.5] [--rate 2000] [--proxies nginx,haproxy]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.peers import prepare, processes, proxies, switches
from benchmarks.peers.asking import asking
from benchmarks.peers.judging import Switched, Verdict, judge
from benchmarks.peers.machine import machine
from benchmarks.peers.prepare import RESULTS

WORKERS = 2


def measure(name: str, options: argparse.Namespace) -> Verdict:
    """Start a proxy with two colors behind it, and switch it back and forth under load."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="switch-")))
        blue, green = processes.free_port(), processes.free_port()
        command = [sys.executable, "-m", "benchmarks.peers.colors", str(blue), str(green)]
        stack.enter_context(processes.running(command, cores=None, port=green, log=folder / "colors.log"))
        servers = [f"127.0.0.1:{blue}", f"127.0.0.1:{green}"]
        plan = proxies.Plan(folder, processes.free_port(), processes.free_port(), servers, WORKERS)
        front = switches.FRONTS[name](plan)
        stack.enter_context(processes.running(front.command, cores=None, port=plan.port, log=folder / "log"))
        time.sleep(3)  # health checks have found both colors
        done: list[Switched] = []
        with asking(plan.port, options.rate, folder / "asked.json") as asked:
            time.sleep(1)
            for color in islice(cycle(("green", "blue")), options.switches):
                begun = time.monotonic()
                front.switch(color)
                done.append(Switched(color, begun, time.monotonic()))
                time.sleep(options.pause)
        return judge(asked, done)


def table(verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    """The result as a Markdown table."""
    yield "| proxy | requests | failed | stale | stale for up to, ms | call median, ms | call max, ms |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, verdict in verdicts.items():
        yield (
            f"| {name} | {verdict.requests:,} | {verdict.failed:,} | {verdict.stale:,} "
            f"| {verdict.stale_for * 1e3:,.0f} | {verdict.call_median * 1e3:.1f} | {verdict.call_max * 1e3:.1f} |"
        )
    yield ""
    for name, verdict in verdicts.items():
        for failure, count in verdict.failures.items():
            yield f'- {name}: {count:,} requests failed with "{failure}".'


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--switches", type=int, default=40)
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two switches")
    parser.add_argument("--rate", type=float, default=2000, help="requests in a second")
    parser.add_argument("--proxies", type=lambda text: text.split(","), default=list(switches.FRONTS))
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/switch.{json,md}")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    options = _arguments()
    prepare.install()
    verdicts = {name: measure(name, options) for name in options.proxies}
    how = f"{options.switches} switches, one every {options.pause:g} s, under {options.rate:g} requests a second"
    text = "\n".join([f"{how}, on {machine()}: `python benchmarks/bench_switch_peers.py`.", "", *table(verdicts)])
    print(text)
    if options.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "switch.md").write_text(text.rstrip() + "\n")
        verdict_data = {name: asdict(verdict) for name, verdict in verdicts.items()}
        (RESULTS / "switch.json").write_text(json.dumps(verdict_data, indent=1) + "\n")


if __name__ == "__main__":
    main()
