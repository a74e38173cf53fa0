"""The scenarios, in groups that are measured together."""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.peers import idle, loads, origin, processes, steady
from benchmarks.peers.trials import Door, Figures, Sample, Setup, Trial

KIB = 1024
REQUESTS: dict[str, loads.Load] = {
    "small": loads.get("/", len(origin.SMALL)),
    "varied": loads.varied,
    "close": loads.get("/", len(origin.SMALL), close=True),
    "10k": loads.get("/10k", 10 * KIB),
    "1m": loads.get("/1m", KIB * KIB),
    "post10k": loads.post(10 * KIB),
    "post1m": loads.post(KIB * KIB),
    "chunked64k": loads.get("/chunked", 64 * KIB),
    "websocket": loads.websockets,
}
FOR_ALL = ("small", "close", "10k", "1m")
"""What is asked also of those that are shown for comparison alone."""
UPSTREAMS = (1, 10, 100, 1000)
WORKERS = (1, 2)

TO_START, TO_LOOK, TO_HOLD = 3.0, 0.4, 3.0
"""Seconds that starting a proxy, a round beside its load, and 5,000 connections take; for the estimate."""

SELDOM = 60
"""Seconds between two health checks where there are up to 1,000 upstreams, for all alike."""
LATENCY_FACTOR = 1.5
"""A round of latencies takes longer than others, for a 99.9th percentile needs many."""


def requests(load: loads.Load, door: Door, seconds: float) -> Figures:
    """What a load costs: CPU time of each request, its rate, the share of a core that was used, and the memory."""
    before = processes.cpu_seconds(door.pid)
    done = load(door.plan.port, seconds, door.plan.folder)
    spent = processes.cpu_seconds(door.pid) - before
    return {
        "us": spent / done.requests * 1e6,
        "rate": done.requests / done.seconds,
        "busy": spent / done.seconds,
        "mib": processes.memory(door.pid) / 2**20,
    }


def unasked(door: Door, seconds: float) -> Figures:
    """CPU milliseconds a second of a proxy that nobody asks anything: health checks and whatever else it does."""
    before, began = processes.cpu_seconds(door.pid), time.monotonic()
    time.sleep(seconds)
    return {"ms_a_second": (processes.cpu_seconds(door.pid) - before) / (time.monotonic() - began) * 1e3}


def latency(rate: float, door: Door, seconds: float) -> Figures:
    """Microseconds from when requests were due to their answers, at a fixed rate."""
    found = steady.latencies(door.plan.port, rate, seconds * LATENCY_FACTOR)
    ranks = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    return {"rate": rate} | {name: found[math.ceil(rank * len(found)) - 1] / 1e3 for name, rank in ranks.items()}


def connections(door: Door, seconds: float) -> Figures:
    """Memory that each idle connection takes, in KiB."""
    before = processes.memory(door.pid)
    with idle.held(door.plan.port):
        after = processes.memory(door.pid)
    return {"kib": (after - before) / idle.CONNECTIONS / KIB, "before": before / 2**20, "after": after / 2**20}


def shared(door: Door, seconds: float) -> Figures:
    """What workers do together, and how evenly: the share of all connections that the one with the most has."""
    spread: list[int] = []
    look = threading.Timer(seconds / 2, lambda: spread.extend(processes.connections(door.pid, door.plan.port)))
    look.start()
    figures = requests(REQUESTS["small"], door, seconds)
    look.join()
    figures["each_cpu_second"] = 1e6 / figures["us"]
    of_processes = len(processes.tree(door.pid)) > door.plan.workers  # of threads it cannot be seen
    return figures | ({"most": spread[0] / sum(spread)} if of_processes else {})


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be measured: names of scenarios and groups, and of proxies."""

    names: Sequence[str]
    proxies: Sequence[str]
    in_brief: Sequence[str]
    """Proxies that take part in a few scenarios only."""

    def groups(self, samples: Sequence[Sample]) -> Iterator[list[Trial]]:
        """The trials, in groups that are measured together; ``samples`` fills up between them."""
        yield [self._requests(name, load) for name, load in REQUESTS.items() if name in self.names]
        for name, make in MAKERS.items():
            if name in self.names:
                yield make(self, samples)

    def _requests(self, name: str, load: loads.Load) -> Trial:
        proxies = [*self.proxies, *(self.in_brief if name in FOR_ALL else ())]
        return Trial(name, partial(requests, load), proxies)


def _latency(selection: Selection, samples: Sequence[Sample]) -> list[Trial]:
    rates = (
        statistics.median(s.figures["rate"] for s in samples if (s.scenario, s.proxy) == ("small", proxy))
        for proxy in selection.proxies
    )
    return [Trial("latency", partial(latency, math.floor(min(rates) / 2)), selection.proxies)]


def _log(selection: Selection, samples: Sequence[Sample]) -> list[Trial]:
    small = partial(requests, REQUESTS["small"])
    return [Trial(f"log-{word}", small, selection.proxies, Setup(log=word == "on")) for word in ("off", "on")]


def _upstreams(selection: Selection, samples: Sequence[Sample]) -> list[Trial]:
    small = partial(requests, REQUESTS["small"])
    setups = {count: Setup(upstreams=count, check_every=SELDOM) for count in UPSTREAMS}
    asked = [Trial(f"upstreams-{count}", small, selection.proxies, setup) for count, setup in setups.items()]
    return [*asked, *(Trial(f"unasked-{count}", unasked, selection.proxies, setups[count]) for count in UPSTREAMS)]


def _workers(selection: Selection, samples: Sequence[Sample]) -> list[Trial]:
    return [Trial(f"workers-{count}", shared, selection.proxies, Setup(workers=count)) for count in WORKERS]


def _idle(selection: Selection, samples: Sequence[Sample]) -> list[Trial]:
    return [Trial("idle", connections, selection.proxies, Setup(anew=True))]


MAKERS = {"latency": _latency, "log": _log, "upstreams": _upstreams, "workers": _workers, "idle": _idle}
NAMES = (*REQUESTS, *MAKERS)


def minutes(selection: Selection, rounds: int, seconds: float) -> float:
    """How long all of it will take, from what it took before: each round has its own cost beside the load's."""
    total = 0.0
    for group in selection.groups([Sample("small", proxy, 0, {"rate": 1}) for proxy in selection.proxies]):
        setups = {(trial.setup, name) for trial in group for name in trial.proxies}
        total += TO_START * len(setups)
        for trial in group:
            each = TO_START + TO_HOLD if trial.setup.anew else seconds + TO_LOOK
            total += rounds * len(trial.proxies) * each
    return total / 60
