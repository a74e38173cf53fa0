"""CPU time per request of this front door and of the proxies that people run otherwise, side by side.

Every proxy has one worker on a core of its own; the application and the load are elsewhere. The rounds are interleaved,
and each figure is compared with the cheaper of nginx and HAProxy in the same round: absolute ones drift, ratios hold.

Run: make bench, or benchmarks/.venv/bin/python benchmarks/bench_peers.py [--rounds 5] [--seconds 2]
     [--only small,close,idle] [--proxies bluegreen,nginx,haproxy] [--compiled PYTHON] [--results DIRECTORY]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.peers import ours, plot, processes, proxies, report, scenarios
from benchmarks.peers.machine import machine, pythons, versions
from benchmarks.peers.prepare import RESULTS
from benchmarks.peers.proxies import Proxy
from benchmarks.peers.scenarios import Selection
from benchmarks.peers.trials import Ground, Sample


def measure(selection: Selection, known: Mapping[str, Proxy], rounds: int, seconds: float) -> Iterator[Sample]:
    """Start the application, and measure group after group."""
    samples: list[Sample] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        origin = processes.free_port()
        command = [sys.executable, "-m", "benchmarks.peers.origin", str(origin), str(max(scenarios.UPSTREAMS))]
        cores = processes.LOAD_CORES
        stack.enter_context(processes.running(command, cores=cores, port=origin, log=folder / "origin.log"))
        ground = Ground(known, folder, origin, rounds, seconds)
        for trials in selection.groups(samples):
            for sample in ground.run(trials):
                samples.append(sample)
                yield sample


def show(sample: Sample) -> None:
    """One line for each round, so that one can see how it goes."""
    figures = "  ".join(f"{name} {value:,.4g}" for name, value in sample.figures.items())
    print(f"{sample.round}  {sample.scenario:15} {sample.proxy:15} {figures}", flush=True)


def save(folder: Path, samples: list[Sample], text: str, about: dict[str, object]) -> None:
    """Write what was found: every sample, the report, and the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peers.md").write_text(f"{text}\n")
    everything = about | {"samples": [asdict(sample) for sample in samples]}
    (folder / "peers.json").write_text(json.dumps(everything, indent=1) + "\n")
    plot.draw(samples, f"Medians of the rounds, least to most as a line. {about['machine']}", folder / "peers.svg")


def _arguments() -> argparse.Namespace:
    def several(text: str) -> list[str]:
        return text.split(",")

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement, whole ones")
    parser.add_argument("--only", type=several, default=scenarios.NAMES, help=f"of {','.join(scenarios.NAMES)}")
    parser.add_argument("--proxies", type=several, help="bluegreen (compiled), bluegreen-pure, and the others")
    parser.add_argument("--compiled", type=Path, default=ours.COMPILED, help="the Python that has the compiled program")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the directory to write to")
    return parser.parse_args()


def _known(compiled: Path) -> dict[str, Proxy]:
    return {name: ours.run_by(python) for name, python in ours.programs(compiled).items()} | proxies.PROXIES


def _prepare_process() -> None:
    """Leave the proxies' core alone, take as many descriptors as allowed, and end what was started when ended."""
    os.sched_setaffinity(0, processes.LOAD_CORES)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))


def main() -> None:
    """Measure, print and write."""
    options = _arguments()
    known = _known(options.compiled)
    asked = options.proxies or list(known)
    unknown = [*({*asked} - {*known}), *({*options.only} - {*scenarios.NAMES})]
    if unknown:
        raise SystemExit(f"not known here (or not built): {', '.join(unknown)}")
    names = [*options.only, *(["small"] if "latency" in options.only else [])]  # which says at what rate
    in_brief = [name for name in asked if name in proxies.IN_BRIEF]
    selection = Selection(names, [name for name in asked if name not in in_brief], in_brief)
    _prepare_process()
    minutes = math.ceil(scenarios.minutes(selection, options.rounds, options.seconds))
    print(f"This takes up to {minutes} min, best on a machine that does nothing else.", flush=True)
    used = {name: path for name, path in ours.programs(options.compiled).items() if name in asked}
    about: dict[str, object] = {
        "machine": machine(),
        "busy_before": processes.busy(2),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "pythons": pythons(used),
        "versions": versions(),
    }
    samples = []
    for sample in measure(selection, known, options.rounds, options.seconds):
        show(sample)
        samples.append(sample)
    text = "\n".join(report.markdown(samples, list(used), about))
    print(f"\n{text}")
    save(options.results, samples, text, about)


if __name__ == "__main__":
    main()
