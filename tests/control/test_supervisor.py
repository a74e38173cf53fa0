from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.fleet import Fleet
from tests.harness.load import Load
from tests.harness.mix import NOBODY
from tests.harness.processes import ROOT, Process, alive, free_port, wait_until
from tests.harness.program import Program

pytestmark = pytest.mark.system

FAILS_AT_ONCE = """
import sys
from pathlib import Path
from proxy.config import load_settings
from proxy.control import supervisor
supervisor.worker_command = lambda: (sys.executable, "-c", "raise SystemExit(3)")
path = Path(sys.argv[1])
sys.exit(supervisor.run(load_settings(path, {}), path))
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """One upstream of each color."""
    fleet = Fleet(tmp_path, blue=1, green=1)
    yield fleet
    fleet.stop()


@pytest.fixture
def program(tmp_path: Path, fleet: Fleet) -> Iterator[Program]:
    """A front door with two workers, not started yet."""
    program = Program(tmp_path, fleet)
    yield program
    program.kill_tree()


def config_of(program: Program, tmp_path: Path) -> Path:
    """The config file of the program."""
    program.write_config()
    return tmp_path / "bluegreen.yaml"


def run_briefly(config: Path, *, arguments: tuple[str, ...] = ("-m", "proxy", "run", "--config")) -> tuple[int, str]:
    """Start the program, which is expected to end by itself; its exit code and the error that it told."""
    done = subprocess.run(
        [sys.executable, *arguments, str(config)], cwd=ROOT, stderr=subprocess.PIPE, timeout=20, check=False
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    (trouble,) = [line["error"] for line in lines if line["event"] == "start_failed"]
    assert "Traceback" not in done.stderr.decode()
    return done.returncode, trouble


def events(program: Program) -> list[str]:
    """What the program has told, by name."""
    return [json.loads(line)["event"] for line in program.log(1_000_000).splitlines() if line.startswith("{")]


def test_a_port_in_use_is_one_clear_line(program: Program, tmp_path: Path) -> None:
    """Somebody else's port is named, and the program ends with 1."""
    with socket.create_server(program.door):
        code, trouble = run_briefly(config_of(program, tmp_path))

    assert (code, trouble) == (1, f"cannot listen on 127.0.0.1:{program.door[1]}: address already in use")


def test_an_admin_port_in_use_is_one_clear_line(program: Program, tmp_path: Path) -> None:
    """The same for the admin API."""
    with socket.create_server(program.admin_address):
        code, trouble = run_briefly(config_of(program, tmp_path))

    assert (code, trouble) == (1, f"cannot listen on 127.0.0.1:{program.admin_address[1]}: address already in use")


@pytest.mark.parametrize("path", ["missing/state.db", "."])
def test_a_state_path_that_cannot_be_written_is_one_clear_line(program: Program, tmp_path: Path, path: str) -> None:
    """A folder that is not there, or a folder in the file's place: the path is named."""
    program.config["state"] = {"path": path}

    code, trouble = run_briefly(config_of(program, tmp_path))

    assert code == 1
    assert str((tmp_path / path).resolve()) in trouble
    assert "unable to open database file" in trouble


def test_workers_that_cannot_begin_to_serve_end_the_program(program: Program, tmp_path: Path) -> None:
    """At the start nobody is there to serve in their place, so the operator has to know."""
    code, trouble = run_briefly(config_of(program, tmp_path), arguments=("-c", FAILS_AT_ONCE))

    assert code == 1
    assert trouble.startswith("worker ")
    assert trouble.endswith(" ended with exit 3 before it served")


def test_a_second_program_on_the_same_state_is_refused(program: Program, tmp_path: Path) -> None:
    """It does not touch the first one, nor take its workers for orphans."""
    program.start()
    workers = program.worker_pids()
    program.config["listen"], program.config["admin"] = (
        [f"127.0.0.1:{free_port()}"],
        {"listen": f"127.0.0.1:{free_port()}"},
    )

    code, trouble = run_briefly(config_of(program, tmp_path))

    assert code == 1
    assert "another program has it open" in trouble
    assert program.worker_pids() == workers
    assert all(alive(pid) for pid in workers)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_starting_ends_it_in_order(program: Program, tmp_path: Path, number: signal.Signals) -> None:
    """A signal that comes before the program is ready is heard: exit 0, and no worker is left."""
    config, log = config_of(program, tmp_path), tmp_path / "early.log"
    process = Process(["-m", "proxy", "run", "--config", str(config)], stdout=log, stderr=log)
    wait_until(lambda: "worker_started" in log.read_text(), timeout=20, what="a worker")

    process.signal(number)

    assert process.wait(10) == 0
    process.kill()  # waits until nothing of its process group is left
    assert "start_failed" not in log.read_text()


def test_a_reload_while_starting_is_done_afterwards(program: Program, tmp_path: Path) -> None:
    """HUP before READY does not kill the program, and is not forgotten."""
    config, log = config_of(program, tmp_path), tmp_path / "early.log"
    process = Process(["-m", "proxy", "run", "--config", str(config)], stdout=log, stderr=log)
    wait_until(lambda: "worker_started" in log.read_text(), timeout=20, what="a worker")

    process.signal(signal.SIGHUP)

    wait_until(lambda: "config_reloaded" in log.read_text(), timeout=10, what="the reload")
    process.kill()


def test_a_second_stop_means_now(program: Program) -> None:
    """It cuts what is in flight instead of waiting for it, and says how much that was."""
    program.start()
    with socket.create_connection(program.door) as client:
        client.sendall(b"GET /slow?ms=30000 HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: program.in_flight() == 1, timeout=10, what="the request")
        program.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in events(program), timeout=5, what="stopping")
        program.send_signal(signal.SIGTERM)

        assert program.process.wait(5) == 0

    stopped = [json.loads(line) for line in program.log().splitlines() if '"stopped"' in line]
    assert stopped[0]["cut"] == 1
    assert stopped[0]["seconds"] < 1.5


def test_admin_on_a_unix_socket_is_private_and_replaces_a_stale_one(program: Program, tmp_path: Path) -> None:
    """Only the owner may connect; the file that a killed program left behind is in nobody's way."""
    path, log = tmp_path / "admin.sock", tmp_path / "unix.log"
    program.config["admin"] = {"listen": f"unix:{path}"}
    config = config_of(program, tmp_path)
    for _ in range(2):
        process = Process(["-m", "proxy", "run", "--config", str(config)], stdout=log, stderr=log)
        wait_until(lambda: log.exists() and '"ready"' in log.read_text(), timeout=20, what="ready")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        process.kill()
        log.unlink()


def test_workers_outlive_their_supervisor_and_the_next_one_takes_over(
    program: Program, fleet: Fleet, tmp_path: Path
) -> None:
    """kill -9 of the supervisor under load, then a new program: nothing fails, and the old workers leave."""
    mix = dataclasses.replace(NOBODY, keep_alive=6, one_shot=6, posts=2)
    program.start()
    program.wait_healthy()
    with Load(program.door, mix, color="blue") as load:
        load.wait_for(200)
        orphans = program.worker_pids()
        os.kill(program.process.pid, signal.SIGKILL)
        program.process.wait(5)
        load.wait_for(300)
        assert all(alive(pid) for pid in orphans)

        program.start()  # ready only once the orphans have left
        load.wait_for(300)
        report = dataclasses.replace(load.stop(), duplicates=fleet.duplicates())

    assert not any(alive(pid) for pid in orphans)
    assert not report.breaches(), report
