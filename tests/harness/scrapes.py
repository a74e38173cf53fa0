"""``/metrics`` as a scraper sees it, scrape after scrape."""

from __future__ import annotations

import re
import threading
import time
from types import TracebackType
from typing import Self

from tests.harness.program import Program

Samples = dict[str, float]
"""By name and labels, as they are written."""

_LINE = re.compile(r"^([a-z_]+(?:\{.*\})?) (\S+)$", re.MULTILINE)
_COUNTER = re.compile(r"_(?:total|bucket|sum|count)(?:\{|$)").search


def scrape(program: Program) -> Samples:
    """Every sample of the text format."""
    reply = program.admin("GET", "/metrics")
    assert reply.status == 200, reply
    return {name: float(value) for name, value in _LINE.findall(str(reply.body))}


class Scraping:
    """Scrapes again and again from a thread of its own, and notes every counter that fell or vanished."""

    def __init__(self, program: Program, *, pause: float = 0.05) -> None:
        """``pause`` is between two scrapes, in seconds."""
        self.faults: list[str] = []
        self.count = 0
        """How many scrapes there were."""
        self.last: Samples = {}
        self._program = program
        self._pause = pause
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scrapes")

    def __enter__(self) -> Self:
        self.last = scrape(self._program)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._leaving.is_set():
            now = scrape(self._program)
            self.count += 1
            for name, before in self.last.items():
                if _COUNTER(name) and now.get(name, -1.0) < before:
                    self.faults.append(f"scrape {self.count}: {name} fell from {before} to {now.get(name)}")
            self.last = now
            time.sleep(self._pause)
