"""Upstream processes of both colors, and what reached them, whatever became of them since."""

from __future__ import annotations

import http.client
import json
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.harness.processes import Process, free_port


class UpstreamProcess:
    """One upstream that can be killed, frozen and started again at the same address."""

    def __init__(self, directory: Path, *, color: str, name: str, keep_alive: float = 75.0) -> None:
        """Start it; it listens when this returns. ``keep_alive`` is how many seconds it keeps an idle connection."""
        self.color = color
        self.name = name
        self.port = free_port()
        self.journal = directory / f"{name}.journal"
        self._times = directory / f"{name}.times"
        self._stderr = directory / f"{name}.stderr"
        self._keep_alive = keep_alive
        self._process = self._start()

    @property
    def address(self) -> str:
        """``host:port``, as a config has it."""
        return f"127.0.0.1:{self.port}"

    def _start(self) -> Process:
        arguments = ["-m", "tests.harness.upstream", "--color", self.color, "--name", self.name]
        arguments += ["--port", str(self.port), "--keep-alive", str(self._keep_alive), "--journal", str(self.journal)]
        arguments += ["--times", str(self._times)]
        process = Process(arguments, stderr=self._stderr)
        if not process.stdout.readline():
            process.kill()
            raise RuntimeError(f"upstream {self.name} did not start:\n{self._stderr.read_text()}")
        return process

    def times(self) -> list[tuple[float, float]]:
        """From when to when it worked at each request of a load that has ended, by the monotonic clock."""
        lines = self._times.read_text().splitlines() if self._times.exists() else []
        return [(float(begun), float(ended)) for begun, ended in (line.split() for line in lines)]

    def kill(self) -> tuple[float, float]:
        """SIGKILL; the times between which it died, by the monotonic clock."""
        before = time.monotonic()
        self._process.kill()
        return before, time.monotonic()

    def freeze(self) -> None:
        """SIGSTOP: connections are still taken by the kernel, nothing is answered."""
        self._process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._process.signal(signal.SIGCONT)

    def restart(self, *, keep_alive: float | None = None) -> None:
        """Kill it if it still runs, and start it again at the same address, perhaps with another patience."""
        self._process.kill()
        self._keep_alive = keep_alive if keep_alive is not None else self._keep_alive
        self._process = self._start()

    def set_health(self, ok: bool) -> None:
        """Decide what it tells health checks."""
        self.ask("POST", "/__health", {"ok": ok})

    def set_mood(self, *, fail_every: int = 0, slow_every: int = 0, slow_ms: float = 0.0) -> None:
        """Decide how it answers ``/``: every so many answers are a 500, or late by so many milliseconds."""
        self.ask("POST", "/__mood", {"fail_every": fail_every, "slow_every": slow_every, "slow_ms": slow_ms})

    def stats(self) -> dict[str, Any]:
        """What it says of itself: ``delivered`` and ``duplicates``."""
        return self.ask("GET", "/__stats")

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One JSON call straight to it, past any proxy."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
            return answer
        finally:
            connection.close()


class Fleet:
    """The upstreams of one service."""

    def __init__(self, directory: Path, *, blue: int = 2, green: int = 2, keep_alive: float = 75.0) -> None:
        """Start so many of each color."""
        self.blue: list[UpstreamProcess] = []
        self.green: list[UpstreamProcess] = []
        try:
            for color, pool, count in (("blue", self.blue, blue), ("green", self.green, green)):
                for number in range(1, count + 1):
                    name = f"{color[0]}{number}"
                    pool.append(UpstreamProcess(directory, color=color, name=name, keep_alive=keep_alive))
        except BaseException:
            self.stop()
            raise

    @property
    def upstreams(self) -> list[UpstreamProcess]:
        """All of them, blue first."""
        return [*self.blue, *self.green]

    def stop(self) -> None:
        """Kill them all."""
        for upstream in self.upstreams:
            upstream.kill()

    def duplicates(self) -> dict[str, int]:
        """POSTs that were delivered more than once, to whichever upstreams, and how often."""
        return duplicates([upstream.journal for upstream in self.upstreams])


def duplicates(journals: list[Path]) -> dict[str, int]:
    """POSTs that the journals of several upstreams, read together, hold more than once."""
    seen: Counter[str] = Counter()
    for journal in journals:
        if journal.exists():
            seen.update(line for line in journal.read_text().splitlines() if line.startswith("POST "))
    return {line: count for line, count in seen.items() if count > 1}
