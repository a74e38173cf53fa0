"""Servers of both colors as an operator has them: processes that nobody but a hook stops and starts.

Each is ``application.py``; the hook is ``updater.py``. All of them end with the tests, however these end: they hold one
end of a pipe whose other end is here.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness.processes import alive, free_port, wait_until

UPDATER = Path(__file__).with_name("updater.py")


@dataclass(frozen=True, slots=True)
class Note:
    """A line that a server, or the hook, has written: start, stop, begin or end (of a request)."""

    word: str
    version: str
    at: float
    """By the monotonic clock."""
    more: tuple[str, ...]
    """Of a start the process, of a request its method and its id."""


class Server:
    """One place where one server at a time is."""

    def __init__(self, folder: Path, color: str) -> None:
        """Nothing is started."""
        self.port = free_port()
        self._log = folder / f"{self.port}.log"
        (folder / f"{self.port}.color").write_text(color)

    @property
    def address(self) -> str:
        """``host:port``, as a config has it."""
        return f"127.0.0.1:{self.port}"

    def notes(self, *words: str) -> Iterator[Note]:
        """What was written down there, of these kinds, in order."""
        for line in self._log.read_text().splitlines() if self._log.exists() else ():
            word, version, at, *more = line.split()
            if word in words:
                yield Note(word, version, float(at), tuple(more))

    @property
    def starts(self) -> list[str]:
        """The versions that were started there, in order."""
        return [note.version for note in self.notes("start")]

    def kill(self) -> None:
        """SIGKILL to whoever serves there, as if it had crashed."""
        started = list(self.notes("start"))
        if started:
            pid = int(started[-1].more[0])
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not alive(pid), timeout=10, what=f"end of {self.address}")

    def unfinished(self) -> list[Note]:
        """Requests that were begun there and never ended: whoever killed the server has cut them."""
        begun: Counter[tuple[str, ...]] = Counter()
        last: dict[tuple[str, ...], Note] = {}
        for note in self.notes("begin", "end"):
            begun[note.more] += 1 if note.word == "begin" else -1
            last[note.more] = note
        return [last[key] for key, count in begun.items() if count]


class Servers:
    """Some servers, all of them running."""

    def __init__(
        self, folder: Path, *, blue: int = 6, green: int = 1, moods: Mapping[str, object] | None = None
    ) -> None:
        """Start so many of each color, as version ``v1``.

        Args:
            folder: for their logs; made if it is not there.
            blue: how many.
            green: how many.
            moods: how versions behave, see ``application.Mood``.
        """
        folder.mkdir(exist_ok=True)
        os.mkfifo(folder / "alive")
        self.alive = os.open(folder / "alive", os.O_RDWR)
        """Our end of the pipe: when nobody holds it any more, all of them end."""
        self._folder = folder
        self._others: list[Server] = []
        self.set_moods(moods or {})
        self.blue = [Server(folder, "blue") for _ in range(blue)]
        self.green = [Server(folder, "green") for _ in range(green)]
        try:
            self.start("v1", *self.blue, *self.green)
        except BaseException:
            self.stop()
            raise

    @property
    def everywhere(self) -> list[Server]:
        """All places."""
        return [*self.blue, *self.green, *self._others]

    def update(self, *, pause: float = 0.0, timeout: str = "30s") -> dict[str, Any]:
        """The hook, as a rollout asks for it. It waits so many seconds between stop and start."""
        argv = [sys.executable, str(UPDATER), str(self._folder), str(pause)]
        return {"command": {"argv": argv, "timeout": timeout}}

    def start(self, version: str, *servers: Server) -> None:
        """Replace what is there by servers of a version."""
        told = {"UPSTREAMS": " ".join(server.address for server in servers), "VERSION": version}
        environment = {**os.environ, **{f"BLUEGREEN_{name}": value for name, value in told.items()}}
        subprocess.run([sys.executable, str(UPDATER), str(self._folder)], env=environment, check=True, timeout=60)
        (self._folder / "hooks.log").unlink()  # this was no hook

    def set_moods(self, moods: Mapping[str, object]) -> None:
        """How versions behave that are started from now on."""
        (self._folder / "moods.json").write_text(json.dumps(moods))

    def elsewhere(self, color: str = "blue") -> Server:
        """One more place, with nobody there."""
        self._others.append(Server(self._folder, color))
        return self._others[-1]

    def hooks(self) -> list[list[str]]:
        """What the hook has done: begin, end or overlap, the action, the batch, the version, the servers."""
        log = self._folder / "hooks.log"
        return [line.split() for line in log.read_text().splitlines()] if log.exists() else []

    def stop(self) -> None:
        """Kill them all."""
        os.close(self.alive)
        for server in self.everywhere:
            server.kill()

    # --- what their logs prove

    def most_down(self) -> int:
        """So many blue servers were stopped and not yet started again at one time, at most."""
        down = most = 0
        changes = [(note.at, 1) for server in self.blue for note in server.notes("stop")]
        changes += [(note.at, -1) for server in self.blue for note in list(server.notes("start"))[1:]]
        for _, change in sorted(changes):
            down += change
            most = max(most, down)
        return most

    def unfinished(self) -> list[Note]:
        """Requests that were cut by the end of a server. Ask when no load is on."""
        return [note for server in self.everywhere for note in server.unfinished()]

    def duplicates(self) -> dict[str, int]:
        """POSTs that were delivered more than once, and how often."""
        seen = Counter(note.more[1] for s in self.everywhere for note in s.notes("begin") if note.more[0] == "POST")
        return {ident: count for ident, count in seen.items() if count > 1}
