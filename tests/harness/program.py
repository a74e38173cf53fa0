"""The program itself, started as a user would, with a config file, upstreams and a state of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import yaml

from tests.harness.client import Address
from tests.harness.processes import Process, alive, children, command_line, free_port, wait_until

SERVICE = "default"
START_WITHIN = 20.0
"""Seconds from start to ready, on a busy machine."""


class Upstream(Protocol):
    """Something at an address."""

    @property
    def address(self) -> str:
        """``host:port``, as a config has it."""
        ...


class Upstreams(Protocol):
    """Those of both colors."""

    @property
    def blue(self) -> Sequence[Upstream]:
        """Blue's, in order."""
        ...

    @property
    def green(self) -> Sequence[Upstream]:
        """Green's, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """What the admin API answered, and when it was asked and had answered, by the monotonic clock."""

    status: int
    headers: dict[str, str]
    body: Any
    """JSON decoded; text if it is none."""
    begun: float
    answered: float


class Program:
    """One front door with its admin API. Also a context manager that leaves no process behind."""

    def __init__(self, directory: Path, fleet: Upstreams, *, workers: int = 2, grace: str = "10s") -> None:
        """Write the config file; nothing is started yet.

        Args:
            directory: for the config, the state and the logs.
            fleet: the upstreams.
            workers: how many.
            grace: how long a stop may take, as the config says it.
        """
        self.door: Address = ("127.0.0.1", free_port())
        self.admin_address: Address = ("127.0.0.1", free_port())
        self._directory = directory
        self._config_file = directory / "bluegreen.yaml"
        self._process: Process | None = None
        self.config: dict[str, Any] = {
            "listen": [f"127.0.0.1:{self.door[1]}"],
            "workers": workers,
            "admin": {"listen": f"127.0.0.1:{self.admin_address[1]}"},
            "state": {"path": str(directory / "state.db")},
            "access_log": {"format": "off"},
            "shutdown": {"grace": grace},
            "services": {SERVICE: _service(fleet)},
        }
        """What the config file holds; a test may change it and :meth:`write_config` again."""
        self.token = ""
        """Shown to the admin API, where the config has tokens."""
        self.write_config()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill_tree()

    # --- life and death

    def start(self) -> None:
        """Start it and wait until it is ready."""
        arguments = ["-m", "proxy", "run", "--config", str(self._config_file)]
        log = self._directory / "program.log"
        self._process = Process(arguments, stdout=log, stderr=log)
        wait_until(self._ready, timeout=START_WITHIN, what=lambda: f"ready\n{self.log()}")

    def _ready(self) -> bool:
        code = self.process.exit_code
        if code is not None:
            raise RuntimeError(f"the program ended with {code} instead of starting:\n{self.log()}")
        try:
            return self.admin("GET", "/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    @property
    def process(self) -> Process:
        """The supervisor; only after :meth:`start`."""
        assert self._process is not None
        return self._process

    def send_signal(self, number: signal.Signals) -> float:
        """Send the supervisor a signal; just before when."""
        now = time.monotonic()
        self.process.signal(number)
        return now

    def kill_tree(self) -> None:
        """SIGKILL to the supervisor and every worker, and wait until all are gone."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """Kill whatever is left of it and start it again with the same config and state."""
        self.kill_tree()
        self.start()

    def worker_pids(self) -> set[int]:
        """The workers that live now."""
        return {pid for pid in children(self.process.pid) if "worker" in command_line(pid)}

    def kill_worker(self, pid: int, number: signal.Signals = signal.SIGKILL) -> tuple[float, float]:
        """Kill one worker; the times between which it died."""
        before = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        wait_until(lambda: not alive(pid), timeout=10, what=f"death of worker {pid}")
        return before, time.monotonic()

    def log(self, last: int = 4000) -> str:
        """The end of what it wrote on standard output and error."""
        file = self._directory / "program.log"
        return file.read_text(errors="replace")[-last:] if file.exists() else ""

    # --- config

    @property
    def service_config(self) -> dict[str, Any]:
        """The part of the config that is about the service."""
        service: dict[str, Any] = self.config["services"][SERVICE]
        return service

    def write_config(self, text: str | None = None) -> None:
        """Replace the config file as an editor does, by :attr:`config` or by any text."""
        fresh = self._config_file.with_suffix(".new")
        fresh.write_text(text if text is not None else yaml.safe_dump(self.config))
        fresh.replace(self._config_file)

    # --- admin API

    def admin(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Reply:
        """One call of the admin API, on a connection of its own."""
        fields = dict(headers or {})
        if self.token:
            fields.setdefault("Authorization", f"Bearer {self.token}")
        payload = None
        if body is not None:
            payload = json.dumps(body)
            fields.setdefault("Content-Type", "application/json")
        begun = time.monotonic()
        connection = http.client.HTTPConnection(*self.admin_address, timeout=60)
        try:
            connection.request(method, path, payload, fields)
            response = connection.getresponse()
            raw = response.read().decode()
        finally:
            connection.close()
        answered = time.monotonic()
        got = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, got, _decoded(raw), begun, answered)

    def service(self) -> dict[str, Any]:
        """What the admin API says of the service."""
        reply = self.admin("GET", f"/v1/services/{SERVICE}")
        assert reply.status == 200, reply
        body: dict[str, Any] = reply.body
        return body

    def in_flight(self) -> int:
        """Requests and tunnels under way, both colors, as the admin API counts them."""
        pools = self.service()["pools"]
        return sum(pool["in_flight"]["requests"] + pool["in_flight"]["tunnels"] for pool in pools.values())

    def switch(self, color: str, *, query: str = "", timeout: float = 20.0) -> Reply:
        """Switch all traffic. Waits while an earlier operation is still being finished (409).

        The times of the reply are those of the call that was accepted. ``query`` is added to the path.
        """
        path = f"/v1/services/{SERVICE}/switch{query}"
        deadline = time.monotonic() + timeout
        while True:
            reply = self.admin("POST", path, {"to": color, "reason": "system test"})
            busy = reply.status == 409 and reply.body.get("code") != "color_not_healthy"
            if not busy or time.monotonic() > deadline:
                assert reply.status == 200, f"switch to {color}: {reply}\n{self.log()}"
                return reply
            time.sleep(0.01)

    def wait_healthy(self, *, timeout: float = 10.0) -> None:
        """Wait until every upstream of both colors is known to be healthy, and every worker serves."""
        wait_until(self._all_healthy, timeout=timeout, what=lambda: f"all upstreams healthy: {self.service()}")

    def _all_healthy(self) -> bool:
        service = self.service()
        upstreams = [upstream for pool in service["pools"].values() for upstream in pool["upstreams"]]
        workers = service["workers"]
        settled = workers["applied"] == workers["total"] == self.config["workers"]
        return settled and all(upstream["health"] == "healthy" for upstream in upstreams)

    def metric(self, name: str) -> float:
        """The sum of one metric over all its labels."""
        reply = self.admin("GET", "/metrics")
        lines = str(reply.body).splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith((name + " ", name + "{")))


def _decoded(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def _service(fleet: Upstreams) -> dict[str, Any]:
    def pool(upstreams: Sequence[Upstream]) -> dict[str, Any]:
        return {"upstreams": [upstream.address for upstream in upstreams]}

    return {
        "initial": "blue",
        "pools": {"blue": pool(fleet.blue), "green": pool(fleet.green)},
        "health": {"path": "/healthz", "interval": "200ms", "timeout": "1s", "rise": 1, "fall": 2},
        "outlier": {"eject_for": "1s"},
    }
