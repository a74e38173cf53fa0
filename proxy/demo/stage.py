"""The demo's processes: two blue and two green servers and the real front door before them, in a folder of its own."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from proxy.demo import descent
from proxy.demo.ports import free_ports, is_free

START_TIMEOUT = 20.0
"""Seconds that all may take to be ready."""

LOOK_EVERY = 0.05
"""Seconds between two looks whether it is so far."""

VERSIONS = {"blue": "v1", "green": "v2"}

LOG = "bluegreen.log"

CONFIG = """\
# Made by `bluegreen demo`; gone when it ends.
listen: ["127.0.0.1:{front}"]
workers: 2
admin: {{listen: "127.0.0.1:{admin}"}}
access_log: {{format: json, path: access.log}}
shutdown: {{grace: 1s}}
services:
  default:
    pools:
      blue: {{upstreams: {blue}}}
      green: {{upstreams: {green}}}
    health: {{interval: 500ms}}
"""


class StageError(Exception):
    """The demo could not be set up; the message says why."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is, while it runs."""

    front: int
    admin: int
    folder: Path
    door: subprocess.Popen[bytes]
    """The front door's process."""

    def log(self) -> str:
        """The end of what the processes wrote."""
        return (self.folder / LOG).read_text(errors="replace")[-2000:]


@contextmanager
def running_stage(*, front: int | None = None, admin: int | None = None) -> Iterator[Stage]:
    """Everything up and healthy; down again and cleaned away at the end. Ports that are not given are free ones.

    Raises:
        StageError: a port is taken, or the front door did not become ready.
    """
    _require_free(front, "--port")
    _require_free(admin, "--admin-port")
    *ports, free_front, free_admin = free_ports(6)
    front, admin = front or free_front, admin or free_admin
    pools = {"blue": ports[:2], "green": ports[2:]}
    folder = Path(tempfile.mkdtemp(prefix="bluegreen-demo-"))
    processes: list[subprocess.Popen[bytes]] = []
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(descent.end, processes)
        programs = (_door(folder, front, admin, pools), *_apps(pools))
        processes.extend(descent.start(argv, output=folder / LOG) for argv in programs)
        stage = Stage(front, admin, folder, processes[0])
        _wait_ready(stage)
        yield stage


def _apps(pools: dict[str, list[int]]) -> Iterator[list[str]]:
    for color, ports in pools.items():
        for port in ports:
            options = ["--color", color, "--version", VERSIONS[color], "--listen", f"127.0.0.1:{port}"]
            yield [sys.executable, "-P", "-m", "proxy.demo.app", *options]


def _door(folder: Path, front: int, admin: int, pools: dict[str, list[int]]) -> list[str]:
    addresses = {color: [f"127.0.0.1:{port}" for port in ports] for color, ports in pools.items()}
    config = folder / "bluegreen.yaml"
    config.write_text(CONFIG.format(front=front, admin=admin, **addresses))
    return [sys.executable, "-P", "-m", "proxy", "run", "--config", str(config)]


def _wait_ready(stage: Stage) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and stage.door.poll() is None:
        if _healthy(stage):
            return
        time.sleep(LOOK_EVERY)
    raise StageError(f"the front door did not become ready:\n{stage.log()}")


def _healthy(stage: Stage) -> bool:
    """Whether every worker serves, and every upstream has passed its health check."""
    connection = http.client.HTTPConnection("127.0.0.1", stage.admin, timeout=2)
    try:
        connection.request("GET", "/v1/services/default")
        response = connection.getresponse()
        if response.status != 200:
            return False
        service = json.loads(response.read())
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    workers = service["workers"]
    upstreams = [upstream for pool in service["pools"].values() for upstream in pool["upstreams"]]
    served = workers["applied"] == workers["total"] > 0
    return served and all(upstream["health"] == "healthy" for upstream in upstreams)


def _require_free(port: int | None, option: str) -> None:
    if port is not None and not is_free(port):
        raise StageError(f"port {port} is taken: stop what listens there, or name another port with {option}")
