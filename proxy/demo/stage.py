"""The demo's processes: two blue and two green servers and the real front door before them, in a folder of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT = 20.0
"""Seconds the front door may take to be ready."""

STOP_TIMEOUT = 15.0
"""Seconds each process is given to end by itself."""

VERSIONS = {"blue": "v1", "green": "v2"}

CONFIG = """\
# Made by `bluegreen demo`; gone when it ends.
listen: ["127.0.0.1:{front}"]
workers: {workers}
admin: {{listen: "127.0.0.1:{admin}"}}
access_log: {{format: json, path: access.log}}
shutdown: {{grace: 5s}}
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
    upstreams: dict[str, list[int]]
    folder: Path
    door: subprocess.Popen[bytes]

    @property
    def admin_address(self) -> str:
        """What the command takes as ``--admin``."""
        return f"127.0.0.1:{self.admin}"


@contextmanager
def running_stage(*, front: int | None = None, admin: int | None = None, workers: int = 2) -> Iterator[Stage]:
    """Everything up and healthy; down again and cleaned away at the end. Ports that are not given are free ones.

    Raises:
        StageError: a port is taken, or the front door did not become ready.
    """
    for port in filter(None, (front, admin)):
        _require_free(port)
    folder = Path(tempfile.mkdtemp(prefix="bluegreen-demo-"))
    upstreams = {color: [_free_port(), _free_port()] for color in VERSIONS}
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for color, ports in upstreams.items():
            for port in ports:
                _started(stack, _app(color, port))
        front, admin = front or _free_port(), admin or _free_port()
        config = folder / "bluegreen.yaml"
        pools = {color: [f"127.0.0.1:{port}" for port in ports] for color, ports in upstreams.items()}
        config.write_text(CONFIG.format(front=front, admin=admin, workers=workers, **pools))
        log = stack.enter_context((folder / "bluegreen.log").open("wb"))
        door = _started(stack, [sys.executable, "-m", "proxy", "run", "--config", str(config)], stderr=log.fileno())
        stage = Stage(front, admin, upstreams, folder, door)
        _wait_ready(stage)
        yield stage


def _app(color: str, port: int) -> list[str]:
    options = ["--color", color, "--version", VERSIONS[color], "--listen", f"127.0.0.1:{port}"]
    return [sys.executable, "-m", "proxy.demo.app", *options]


def _started(stack: contextlib.ExitStack, argv: list[str], stderr: int | None = None) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C is for the demo, which then ends its processes in order.
    process = subprocess.Popen(argv, stderr=stderr, start_new_session=True)  # noqa: S603 - our own program
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_ready(stage: Stage) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if stage.door.poll() is not None:
            break
        if _healthy(stage):
            return
        time.sleep(0.05)
    log = (stage.folder / "bluegreen.log").read_text(errors="replace")
    raise StageError(f"the front door did not become ready:\n{log[-2000:]}")


def _healthy(stage: Stage) -> bool:
    """Whether every upstream has answered its health check."""
    connection = http.client.HTTPConnection("127.0.0.1", stage.admin, timeout=2)
    try:
        connection.request("GET", "/v1/services/default")
        response = connection.getresponse()
        service = json.loads(response.read()) if response.status == 200 else {"pools": {"": {"upstreams": [{}]}}}
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    upstreams = [upstream for pool in service["pools"].values() for upstream in pool["upstreams"]]
    return all(upstream.get("health") == "healthy" for upstream in upstreams)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _require_free(port: int) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise StageError(f"port {port} is taken ({error.strerror}): stop what listens there, or use --port") from error
