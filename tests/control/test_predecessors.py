from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.config.addresses import TcpAddress
from proxy.config.settings import ListenSettings
from proxy.control.predecessors import MARK, Retirement, find_predecessors, mark_of, mark_worker, steer_here
from proxy.control.sockets import Listener, close_listeners, open_listeners
from proxy.logs.log import EventLog

POLITE = "print('up', flush=True); import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts small programs with or without a mark; for an orphan, another process than we is said to have done so."""
    started: list[subprocess.Popen[bytes]] = []

    def launch(code: str, mark: str | None, *, orphan: bool = True) -> subprocess.Popen[bytes]:
        value = f"{mark}/1" if orphan else mark_worker(str(mark))
        environment = {**os.environ, MARK: value} if mark else dict(os.environ)
        process = subprocess.Popen([sys.executable, "-S", "-c", code], env=environment, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process

    yield launch
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def log() -> Iterator[EventLog]:
    """A log that nobody reads."""
    with Path(os.devnull).open("wb") as nowhere:
        yield EventLog(nowhere.fileno())


def test_only_processes_with_the_mark_of_this_state_are_predecessors(start: Start, tmp_path: Path) -> None:
    """Workers of another program, workers whose supervisor lives and everybody else are left alone."""
    state, other = tmp_path / "state.db", tmp_path / "other.db"
    state.touch()
    other.touch()
    orphan = start(POLITE, mark_of(state))
    start(POLITE, mark_of(state), orphan=False)
    start(POLITE, mark_of(other))
    start(POLITE, None)

    assert find_predecessors(mark_of(state)) == (orphan.pid,)


def test_mark_follows_the_file_and_not_its_name(tmp_path: Path) -> None:
    """A state file reached through another path is the same; a copy is another."""
    state, link, copy = tmp_path / "state.db", tmp_path / "link.db", tmp_path / "copy.db"
    state.write_text("x")
    link.symlink_to(state)
    copy.write_text("x")

    assert mark_of(link) == mark_of(state) != mark_of(copy)


async def test_polite_predecessors_end_by_themselves(start: Start, log: EventLog, tmp_path: Path) -> None:
    """Asked to stop, they leave, and nobody is killed."""
    processes = [start(POLITE, mark_of(tmp_path)) for _ in range(2)]
    retirement = Retirement(log)

    await retirement.run([process.pid for process in processes], mark_of(tmp_path), grace=30.0)

    assert retirement.left == 0
    assert [process.wait() for process in processes] == [-15, -15]


async def test_a_predecessor_that_outlasts_the_grace_period_is_killed(
    start: Start, log: EventLog, tmp_path: Path
) -> None:
    """The takeover comes to an end whatever the old workers do."""
    process = start(STUBBORN, mark_of(tmp_path))
    retirement = Retirement(log)

    await retirement.run([process.pid], mark_of(tmp_path), grace=0.05)

    assert retirement.left == 0
    assert process.wait() == -9


async def test_a_process_without_the_mark_is_never_signalled(start: Start, log: EventLog, tmp_path: Path) -> None:
    """A number that was given to another process meanwhile does that process no harm."""
    process = start(POLITE, None)

    await Retirement(log).run([process.pid], mark_of(tmp_path), grace=1.0)

    assert process.poll() is None


def accepted(listeners: tuple[Listener, ...], connections: int) -> list[int]:
    """How many of some new connections wait at each listener."""
    host, port = listeners[0].socket.getsockname()[:2]
    clients = [socket.create_connection((host, port)) for _ in range(connections)]
    counts = [_queued(listener.socket) for listener in listeners]
    for client in clients:
        client.close()
    return counts


def _queued(sock: socket.socket) -> int:
    count = 0
    while True:
        try:
            sock.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_steering_gives_every_new_connection_to_the_newest_socket(host: str) -> None:
    """Beside two older generations nothing reaches an old queue any more, and all goes on when they have left."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        address = TcpAddress(host, sock.getsockname()[1])
    oldest = open_listeners([ListenSettings(address)], beside_predecessors=False)
    older = open_listeners([ListenSettings(address)], beside_predecessors=True)
    newest = open_listeners([ListenSettings(address)], beside_predecessors=True)
    for listener in (*older, *newest):
        listener.socket.listen()

    assert steer_here(newest)
    assert accepted((*oldest, *older, *newest), 60) == [0, 0, 60]

    close_listeners((*oldest, *older))
    assert accepted(newest, 60) == [60]
    close_listeners(newest)
