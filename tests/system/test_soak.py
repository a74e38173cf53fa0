"""Nothing piles up: memory, descriptors and counters after a long load are what they were after a short one.

``make soak`` runs it at full length: 200,000 requests, 20,000 of clients that give up, 5,000 WebSockets.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import uvloop

from tests.harness.aborts import give_up, greet
from tests.harness.load import Load
from tests.harness.mix import Mix
from tests.harness.processes import wait_until
from tests.harness.program import Program

SCALE = float(os.environ.get("BLUEGREEN_SOAK", "0.02"))
"""Share of the full length."""

REQUESTS, ABORTS, WEBSOCKETS = int(200_000 * SCALE), int(20_000 * SCALE), int(5_000 * SCALE)
WARM_UP = max(0.3, 0.02 / SCALE)
"""Share of it that comes before the first look: caches fill, pools of connections are made, the allocator settles.

That takes some 50,000 requests, over which a worker grows from 16 to 19 MiB, and then it stays there.
"""

GROWTH = 1.05
"""What the memory of the workers together may have grown to; one alone may have had little to do in the warm-up."""


def _memory(pid: int) -> int:
    """Resident bytes of a process that are its own."""
    fields = dict(line.split(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _mebibytes(sizes: list[int]) -> str:
    return ", ".join(f"{size / 2**20:.1f}" for size in sizes)


def _strain(program: Program, share: float, *, seed: int) -> str:
    """A share of everything; what the load reports."""
    mix = Mix(keep_alive=12, one_shot=4, posts=3, uploads=2, slow=2, streams=2, websockets=2, events=1, pause=0)
    with Load(program.door, mix, count=int(REQUESTS * share), seconds=1500, seed=seed) as load:
        uvloop.run(give_up(program.door, int(ABORTS * share), seed=seed))
        uvloop.run(greet(program.door, int(WEBSOCKETS * share), seed=seed))
        load.wait_for(int(REQUESTS * share) - load.ended, timeout=1500)
        report = load.stop()
    assert not report.breaches(), str(report)
    wait_until(lambda: program.in_flight() == 0, timeout=10, what="in flight back to 0")
    return str(report)


def _idle(program: Program) -> bool:
    """Whether no client is connected any more, as the program counts them."""
    lines = program.admin("GET", "/metrics").body.splitlines()
    return any(line.startswith("bluegreen_open_connections ") and float(line.split()[1]) == 0 for line in lines)


@pytest.mark.system
@pytest.mark.timeout(3600)
def test_nothing_piles_up(program: Program) -> None:
    """Memory within 5 %, no descriptor and no connection more, in flight 0; no request of an honest client fails."""
    _strain(program, WARM_UP, seed=1)
    workers = sorted(program.worker_pids())
    wait_until(lambda: _idle(program), timeout=30, what="all clients gone")
    before, descriptors = [_memory(pid) for pid in workers], [_descriptors(pid) for pid in workers]
    report = _strain(program, 1.0, seed=2)
    wait_until(lambda: _idle(program), timeout=30, what="all clients gone")

    assert sorted(program.worker_pids()) == workers
    after = [_memory(pid) for pid in workers]
    print(f"MiB of each worker: {_mebibytes(before)}, then {_mebibytes(after)}; descriptors before: {descriptors}")
    assert sum(after) <= sum(before) * GROWTH, f"{before}, then {after}"
    for pid, most in zip(workers, descriptors, strict=True):
        wait_until(lambda: _descriptors(pid) <= most, timeout=20, what="descriptors given back")  # noqa: B023
    print(report)
