"""A worker as a process of its own, with a socketpair, a board, meters and a listener that the test has made."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.ipc.codec import Decoder, encode
from proxy.ipc.messages import Cut, Message, Ready, ReopenLogs, Seen, Stop, Stopped, Wake
from proxy.shm.addresses import AddressTable
from proxy.shm.board import Board
from proxy.shm.meters import MeterRegion
from proxy.shm.names import Series
from proxy.traffic.spec import AccessLog, AccessLogFormat, Color, DoorSpec
from proxy.traffic.table import RoutingTable, TableUpstream
from proxy.traffic.table_codec import encode_table
from tests.dataplane.conftest import GET, SERVICE

ROOT = Path(__file__).parents[2]


class WorkerProcess:
    """One worker, and the supervisor's ends of what it holds."""

    def __init__(self, log: Path, *, publish: bool = True) -> None:
        self.board = Board.create(65536)
        self.region = MeterRegion.create(cells=4096, directory=65536)
        self.addresses = AddressTable.create(1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.upstream = socket.create_server(("127.0.0.1", 0))
        self.generation = 0
        self.log = log
        self._decoder = Decoder()
        if publish:
            self.publish()
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(10)
        fds = (self.board.fd, self.region.fd, self.addresses.fd, theirs.fileno(), self.listener.fileno())
        words = ["--board", "--meters", "--addresses", "--channel", "--listen"]
        arguments = [text for word, fd in zip(words, fds, strict=True) for text in (word, str(fd))]
        program = [sys.executable, "-m", "proxy", "worker", "--slot", "0", "--workers", "1", "--row", "0", *arguments]
        with theirs:
            self.process = subprocess.Popen(program, pass_fds=fds, cwd=ROOT, stderr=subprocess.PIPE)

    def publish(self) -> None:
        """Put the next table on the board."""
        self.generation += 1
        blue = (TableUpstream(f"127.0.0.1:{self.upstream.getsockname()[1]}", 1),)
        door = DoorSpec(access_log=AccessLog(AccessLogFormat.JSON, str(self.log)))
        table = RoutingTable(self.generation, door, (replace(SERVICE, blue=blue),))
        self.board.publish(self.generation, encode_table(table))

    def send(self, message: Message) -> None:
        """Send a message down."""
        self.channel.sendall(encode(message))

    def receive(self, count: int) -> list[Message]:
        """The next messages from the worker."""
        messages: list[Message] = []
        while len(messages) < count:
            messages += self._decoder.feed(self.channel.recv(65536))
        return messages

    def ask(self) -> socket.socket:
        """Send a request on a connection of its own."""
        client = socket.create_connection(self.listener.getsockname(), timeout=10)
        client.sendall(GET)
        return client

    def serve(self) -> socket.socket:
        """Answer the next request as the upstream; gives the upstream's connection."""
        peer, _ = self.upstream.accept()
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return peer

    def close(self) -> None:
        """Kill what is left."""
        self.process.kill()
        self.process.communicate()
        for sock in (self.channel, self.listener, self.upstream):
            sock.close()
        self.board.close()
        self.region.close()
        self.addresses.close()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker that is ready."""
    process = WorkerProcess(tmp_path / "access.log")
    with contextlib.closing(process):
        assert process.receive(2) == [Ready(), Seen(1)]
        yield process


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def answered(worker: WorkerProcess) -> bool:
    """Whether a request is answered."""
    with worker.ask() as client, worker.serve():
        return client.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_it_serves_and_acknowledges_a_new_table(worker: WorkerProcess) -> None:
    """Wake makes an idle worker show that it has seen the board."""
    assert answered(worker)
    worker.publish()
    worker.send(Wake())
    assert worker.receive(1) == [Seen(2)]
    assert worker.region.seen == 2


def test_it_stops_in_order(worker: WorkerProcess) -> None:
    """What is in flight is finished, and the supervisor is told what was left."""
    with worker.ask() as client:
        until(lambda: worker.region.value(Series.IN_FLIGHT, "default", "blue") == 1)
        worker.send(Stop(10.0))
        worker.send(Wake())
        assert worker.receive(1) == [Seen(1)]  # so it has read of the stop
        with worker.serve():
            answer = client.recv(1000)
    assert b"Connection: close" in answer
    assert worker.receive(1) == [Stopped(0)]
    assert worker.process.wait(10) == 0


def test_it_counts_what_it_had_to_leave(worker: WorkerProcess) -> None:
    """The grace is over, the request is not."""
    with worker.ask() as client:
        until(lambda: worker.region.value(Series.IN_FLIGHT, "default", "blue") == 1)
        worker.send(Stop(0.1))
        assert client.recv(1000).startswith(b"HTTP/1.1 503 ")
    assert worker.receive(1) == [Stopped(1)]
    assert worker.process.wait(10) == 0


def test_it_cuts_what_began_before_a_generation(worker: WorkerProcess) -> None:
    """Cut ends requests of the color that is named, tunnels only when they are meant."""
    with worker.ask() as client:
        until(lambda: worker.region.value(Series.IN_FLIGHT, "default", "blue") == 1)
        for color, generation, tunnels in ((Color.GREEN, 2, False), (Color.BLUE, 1, False), (Color.BLUE, 2, True)):
            worker.send(Cut("default", color, generation, tunnels))
        worker.send(Wake())
        worker.receive(1)
        assert worker.region.value(Series.IN_FLIGHT, "default", "blue") == 1
        worker.send(Cut("default", Color.BLUE, 2, tunnels=False))
        assert client.recv(1000).startswith(b"HTTP/1.1 503 ")


def test_it_reopens_its_log(worker: WorkerProcess) -> None:
    """After a rotation lines go to a new file."""
    assert answered(worker)
    until(lambda: worker.log.exists() and worker.log.read_bytes().count(b"\n") == 1)
    rotated = worker.log.rename(worker.log.with_suffix(".1"))
    worker.send(ReopenLogs())
    until(worker.log.exists)
    assert answered(worker)
    until(lambda: worker.log.read_bytes().count(b"\n") == 1)
    assert rotated.read_bytes().count(b"\n") == 1


def test_it_goes_on_serving_without_a_supervisor(worker: WorkerProcess) -> None:
    """The last table is served until somebody ends the worker by TERM."""
    worker.channel.close()
    for _ in range(3):
        assert answered(worker)
    os.kill(worker.process.pid, signal.SIGINT)  # Ctrl-C in a terminal is for the supervisor
    assert answered(worker)
    os.kill(worker.process.pid, signal.SIGTERM)
    assert worker.process.wait(20) == 0


def test_without_a_table_it_does_not_begin(tmp_path: Path) -> None:
    """Exit code 3 and one line tell that starting it again would not help."""
    with contextlib.closing(WorkerProcess(tmp_path / "access.log", publish=False)) as worker:
        assert worker.process.wait(10) == 3
        assert worker.process.stderr is not None
        assert worker.process.stderr.read() == b"worker 0 cannot serve: nothing has been published yet\n"
