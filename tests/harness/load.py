"""A load in a process of its own, so that neither its work nor the test's waiting disturbs the other.

The test process starts it, tells it what it did and when (``CLOCK_MONOTONIC`` is one clock for all processes), and gets
the report when it stops it. How far the load is can be read at any time from a few bytes of shared memory.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import mmap
import random
import struct
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvloop

from tests.harness.client import Address
from tests.harness.mix import KINDS, Book, Client, Mix
from tests.harness.processes import Process, wait_until
from tests.harness.report import Report, Switch, Timeline, judge, report_from_json

_PROGRESS = struct.Struct("<QQd")  # requests ended, requests failed, when the oldest unfinished one was begun


class Load:
    """Clients of a :class:`Mix`, asking one address until stopped. Also a context manager that kills it at the end."""

    def __init__(
        self,
        address: Address,
        mix: Mix | None = None,
        *,
        color: str | None = None,
        count: int | None = None,
        seconds: float = 120.0,
        seed: int = 1,
    ) -> None:
        """Start asking.

        Args:
            address: where.
            mix: who asks; the default is some of each kind.
            color: the color that is live now, if the test wants early requests judged as well.
            count: begin at most so many requests.
            seconds: begin none after so many seconds, whatever the test does.
            seed: of everything random in it.
        """
        self.mix = mix or Mix()
        self._switches: list[Switch] = []
        self._color = color
        self._directory = tempfile.TemporaryDirectory(prefix="load-")
        progress = Path(self._directory.name, "progress")
        progress.write_bytes(bytes(_PROGRESS.size))
        self._progress = _shared(progress)
        self._process = Process(["-m", "tests.harness.load"], stderr=Path(self._directory.name, "stderr"), pipes=True)
        self._tell(
            address=address,
            mix=dataclasses.asdict(self.mix),
            count=count,
            seconds=seconds,
            seed=seed,
            progress=str(progress),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._progress.close()
        self._directory.cleanup()

    def _tell(self, **message: object) -> None:
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    @property
    def ended(self) -> int:
        """How many requests have ended, well or not."""
        return int(_PROGRESS.unpack(self._progress[:])[0])

    @property
    def failed(self) -> int:
        """How many requests have not gone well."""
        return int(_PROGRESS.unpack(self._progress[:])[1])

    def wait_for(self, further: int, *, timeout: float = 20.0) -> None:
        """Wait until so many more requests have ended.

        Raises:
            TimeoutError: the load got stuck.
        """
        goal = self.ended + further
        wait_until(
            lambda: self.ended >= goal, timeout=timeout, what=lambda: f"{further} more requests, {self._complaint()}"
        )

    def settle(self, *, timeout: float = 20.0) -> None:
        """Wait until every request that is under way now has ended.

        Raises:
            TimeoutError: the load got stuck.
        """
        now = time.monotonic()
        wait_until(
            lambda: _PROGRESS.unpack(self._progress[:])[2] > now,
            timeout=timeout,
            what=lambda: f"end of what is under way, {self._complaint()}",
        )

    def _complaint(self) -> str:
        return f"{self.failed} failed so far; stderr: {self._process.stderr.read_text()[-2000:]!r}"

    def switched(self, color: str, *, begun: float, answered: float | None) -> None:
        """Tell that traffic was moved: when the call was begun and when it answered, by :func:`time.monotonic`."""
        self._switches.append(Switch(color, begun, answered))

    def stop(self, *, duplicates: dict[str, int] | None = None) -> Report:
        """Let every client end what it has begun, and judge all of it.

        ``duplicates`` are the POSTs that the upstreams saw more than once, known only to the upstreams; they are read
        by the caller after the load has been stopped, so mostly added with :func:`dataclasses.replace`.
        """
        self._tell(color=self._color, switches=[dataclasses.asdict(switch) for switch in self._switches])
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load ended without a report, {self._complaint()}")
        report = report_from_json(json.loads(line))
        return dataclasses.replace(report, duplicates=duplicates or {})


def _shared(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), _PROGRESS.size)


async def _show_progress(book: Book, progress: mmap.mmap) -> None:
    failed = seen = 0
    while True:
        failed += sum(sample.failure is not None for sample in book.samples[seen:])
        seen = len(book.samples)
        progress[:] = _PROGRESS.pack(seen, failed, book.oldest)
        await asyncio.sleep(0.005)


async def _ask_all(spec: dict[str, Any], book: Book) -> None:
    host, port = spec["address"]
    mix = Mix(**spec["mix"])
    rng = random.Random(spec["seed"])
    clients = [
        Client(kind, (host, port), book, random.Random(rng.random()), mix.pause)
        for kind in KINDS
        for _ in range(getattr(mix, kind))
    ]
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.run())


async def _load(spec: dict[str, Any]) -> tuple[Book, dict[str, Any]]:
    loop = asyncio.get_running_loop()
    book = Book(limit=spec["count"])
    showing = asyncio.create_task(_show_progress(book, _shared(Path(spec["progress"]))))
    loop.call_later(spec["seconds"], setattr, book, "leaving", True)
    asking = asyncio.create_task(_ask_all(spec, book))
    # The order to stop is the one line that still comes; without one, the test is gone.
    order = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    await asyncio.wait({asking, order}, return_when=asyncio.FIRST_COMPLETED)
    if asking.done():
        asking.result()
    line = await order
    book.leaving = True
    await asking
    showing.cancel()
    return book, json.loads(line)


def main() -> None:
    """Read what to do, do it until told to stop, print the report."""
    spec = json.loads(sys.stdin.readline())
    started = time.monotonic()
    book, order = uvloop.run(_load(spec))
    seconds = time.monotonic() - started
    timeline = Timeline(order["color"], (Switch(**switch) for switch in order["switches"]))
    report = judge(book.samples, timeline=timeline, reopened=book.reopened, seconds=seconds)
    sys.stdout.write(json.dumps(dataclasses.asdict(report)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
