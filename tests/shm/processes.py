"""What the tests of shared memory run in processes of their own: ``python -m tests.shm.processes NAME FD [NUMBER]``."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

from proxy.shm.board import Board, BoardEmpty, BoardView
from proxy.shm.memory import Memory
from proxy.shm.meters import SEEN, Meters
from proxy.shm.names import HISTOGRAM_CELLS, Series


def start(name: str, fd: int, number: int = 0) -> subprocess.Popen[str]:
    """Start one of the programs below with the inherited descriptor."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.shm.processes", name, str(fd), str(number)],
        pass_fds=[fd],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def payload(generation: int) -> bytes:
    """What the stress test publishes: the generation over and over, in a length of its own, at times none at all."""
    return generation.to_bytes(8, "little") * (generation * 2_654_435_761 % 4096 if generation % 10 else 0)


def publish(fd: int, last: int) -> None:
    """Publish generations 1 to ``last`` as fast as it goes."""
    board = Board(Memory(fd, writable=True))
    for generation in range(1, last + 1):
        board.publish(generation, payload(generation))


def follow(fd: int, last: int) -> None:
    """Read until ``last`` is published, check every read, and print how many generations it met."""
    view = BoardView.attach(fd)
    say("ready")
    newest = met = 0
    while newest < last:
        try:
            generation, data = view.read()
        except BoardEmpty:
            continue
        assert generation >= newest, f"from {newest} back to {generation}"
        assert data == payload(generation), f"generation {generation} is torn"
        met += generation != newest
        newest = generation
    say(str(met))


def count(fd: int, requests: int) -> None:
    """Count ``requests`` requests, each hundred as a series of its own; then say so and wait for the end of input."""
    meters = Meters.attach(fd)
    in_flight = meters.cell("in_flight", "default", "blue")
    for request in range(requests):
        meters.cells[in_flight] += 1
        meters.cells[meters.cell("requests", "default", str(request // 100))] += 1
        meters.cells[SEEN] = request + 1
        meters.cells[in_flight] -= 1
    meters.cells[in_flight] += 3
    say("done")
    sys.stdin.read()


def note(fd: int, _: int) -> None:
    """Note one exemplar after the other in the same slot, for ever; its parts tell what the others must be."""
    exemplars = Meters.attach(fd).exemplars
    first = Meters.attach(fd).block(HISTOGRAM_CELLS, Series.DURATION, "default", "blue")
    say("ready")
    for number in itertools.count(1):
        exemplars.note(first, 0, number / 1e9, b"%x" % number * 4, trace=False, at=float(number))


if __name__ == "__main__":
    {"publish": publish, "follow": follow, "count": count, "note": note}[sys.argv[1]](
        int(sys.argv[2]), int(sys.argv[3])
    )
