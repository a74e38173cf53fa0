"""How a trial is run: its proxies are started, warmed up, and then measured in interleaved rounds."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import loads, origin, ours, processes
from benchmarks.peers.proxies import Plan, Proxy

READY_WITHIN = 30.0
IN_A_ROW = 50
"""Good answers after which a proxy is taken to know that its servers are well."""
SETTLE = 3.0

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Setup:
    """How a proxy is started; two trials with the same setup share one."""

    upstreams: int = 1
    workers: int = 1
    log: bool = False
    check_every: int = 2
    anew: bool = False
    """Started for each round, and ended after it."""


@dataclass(frozen=True, slots=True)
class Door:
    """A proxy that runs."""

    name: str
    plan: Plan
    pid: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One scenario: what is measured, of which proxies, set up how."""

    scenario: str
    measure: Callable[[Door, float], Figures]
    proxies: Sequence[str]
    setup: Setup = Setup()


@dataclass(frozen=True, slots=True)
class Sample:
    """The figures of one scenario, one proxy and one round."""

    scenario: str
    proxy: str
    round: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Ground:
    """What all trials stand on."""

    proxies: Mapping[str, Proxy]
    folder: Path
    origin: int
    """The application's port, on each of its addresses."""
    rounds: int
    seconds: float

    def run(self, trials: Sequence[Trial]) -> Iterator[Sample]:
        """Measure some trials together. Each second round goes backwards, so that nobody always comes first."""
        pairs = [(trial, name) for trial in trials for name in trial.proxies]
        with ExitStack() as stack:
            doors = {}
            for trial, name in pairs:
                if not trial.setup.anew and (trial.setup, name) not in doors:
                    doors[trial.setup, name] = stack.enter_context(self._door(name, trial.setup))
            time.sleep(SETTLE)
            for number in range(self.rounds):
                for trial, name in pairs if number % 2 == 0 else reversed(pairs):
                    with self._door(name, trial.setup) if trial.setup.anew else _kept(doors, trial, name) as door:
                        yield Sample(trial.scenario, name, number, trial.measure(door, self.seconds))

    @contextmanager
    def _door(self, name: str, setup: Setup) -> Iterator[Door]:
        port, spare = processes.free_port(), processes.free_port()
        folder = self.folder / f"{name}-{port}"
        folder.mkdir()
        servers = [f"{address}:{self.origin}" for address in origin.addresses(setup.upstreams)]
        plan = Plan(folder, port, spare, servers, setup.workers, setup.log, setup.check_every)
        cores = processes.CORES[: setup.workers]
        command = self.proxies[name](plan)
        with processes.running(command, cores=cores, port=port, log=folder / "log") as pid:
            _wait_until_well(port, name)
            WARM_UP(port, 1, folder)
            if name == "bluegreen" and not ours.is_compiled(pid):
                raise SystemExit("bluegreen is measured as the compiled program, and what runs is not compiled")
            yield Door(name, plan, pid)


WARM_UP = loads.get("/", len(origin.SMALL))


@contextmanager
def _kept(doors: Mapping[tuple[Setup, str], Door], trial: Trial, name: str) -> Iterator[Door]:
    yield doors[trial.setup, name]


def _wait_until_well(port: int, name: str) -> None:
    good, deadline = 0, time.monotonic() + READY_WITHIN
    while good < IN_A_ROW:
        if time.monotonic() > deadline:
            raise SystemExit(f"{name} gives no good answers")
        good = good + 1 if _answers(port) else 0


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        if connection.getresponse().status == 200:
            return True
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()
    time.sleep(0.1)
    return False
