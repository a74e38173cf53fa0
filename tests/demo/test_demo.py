"""The demo for real: the whole program, its servers and its load."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.demo.ports import free_ports
from tests.harness.processes import alive, children, wait_until

pytestmark = pytest.mark.system

DEMO = [sys.executable, "-m", "proxy", "demo"]


def test_once(tmp_path: Path) -> None:
    """A switch, a rollback and a shift under load: nothing failed, nothing stale, nothing left behind."""
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    result = subprocess.run([*DEMO, "--once"], capture_output=True, text=True, timeout=100, env=environ)
    assert result.returncode == 0
    assert all(line.startswith("bluegreen: shift op-3: green ") for line in result.stderr.splitlines())
    assert "switch op-1 succeeded: green 0 % -> 100 %" in result.stdout
    assert "rollback op-2 succeeded: green 100 % -> 0 %" in result.stdout
    assert "shift op-3 succeeded: green 0 % -> 100 %" in result.stdout
    last = re.fullmatch(
        r"([\d,]+) requests sent \(blue [\d,]+, green [\d,]+\), 0 failed, 0 stale", result.stdout.splitlines()[-1]
    )
    assert last is not None
    assert int(last[1].replace(",", "")) > 100
    assert list(tmp_path.iterdir()) == []


@contextmanager
def playing(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A demo that goes on until it is told to end, once it is there."""
    process = subprocess.Popen([*DEMO, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("The front door is open.")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def family(parent: int) -> set[int]:
    """All processes below one."""
    found = set(children(parent))
    return found.union(*(family(child) for child in found))


def test_playing_until_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to try, serves, and ends cleanly though somebody still waits for a slow answer."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    front, admin = free_ports(2)
    with playing("--port", str(front), "--admin-port", str(admin)) as process:
        below = family(process.pid)
        connection = http.client.HTTPConnection("127.0.0.1", front, timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().read().startswith(b"hello from blue v1")
        connection.request("GET", "/slow?seconds=60")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        connection.close()
    assert (process.returncode, err) == (0, "")
    assert f"export BLUEGREEN_ADMIN=127.0.0.1:{admin}" in out
    assert f"curl localhost:{front}" in out
    assert len(below) == 7  # the front door, two workers, four servers
    assert [pid for pid in below if alive(pid)] == []
    assert list(tmp_path.iterdir()) == []


def test_a_demo_that_is_killed_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill -9 leaves it no time to end its processes itself."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    front, admin = free_ports(2)
    with playing("--port", str(front), "--admin-port", str(admin)) as process:
        below = family(process.pid)
        process.kill()
        process.wait()
        wait_until(lambda: not any(alive(pid) for pid in below), timeout=20, what="the end of all its processes")
    assert len(below) == 7


@pytest.mark.parametrize("option", ["--port", "--admin-port"])
def test_a_port_that_is_taken(option: str) -> None:
    """One line, with the option that helps."""
    [other] = free_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        arguments = {"--port": other, "--admin-port": other, option: port}
        words = [word for name, number in arguments.items() for word in (name, str(number))]
        result = subprocess.run([*DEMO, *words], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"bluegreen: port {port} is taken: stop what listens there, or name another port with {option}\n"
    )
