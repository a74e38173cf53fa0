"""What clients cannot use up: connections, descriptors, memory, patience. Others are served as if nothing happened."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import re
import resource
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.client import Address
from tests.harness.faults import Behaviour, FaultServer, Peer
from tests.harness.fleet import Fleet
from tests.harness.load import Load
from tests.harness.mix import NOBODY
from tests.harness.processes import wait_until
from tests.harness.program import Program
from tests.system import attackers
from tests.tools import require_tool

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
IMPATIENT = {"head": "1s", "idle": "2s", "stall": "1s"}
OTHERS = replace(NOBODY, keep_alive=6, one_shot=4, posts=2)
"""Ordinary clients, beside whom others misbehave."""

DESCRIPTORS = 256
EACH = 60
"""Attackers of each kind at the same time."""

RATE, SECONDS = 50, 6
"""New connections per second of each mode of slowhttptest, and for how long they come."""

STALLED = 64
"""Stalled connections whose memory is measured: so many that a megabyte of noise is 16 KiB for each."""

MOST_MEMORY = 256 * 1024
GIB = 1024**3


@pytest.fixture
def stopped(tmp_path: Path, fleet: Fleet) -> Iterator[Program]:
    """The front door with two workers, not started yet, so that its config can be changed."""
    program = Program(tmp_path, fleet)
    try:
        yield program
    finally:
        program.kill_tree()


def begin(program: Program, **config: object) -> None:
    """Start it with another config."""
    program.config.update(config)
    program.write_config()
    program.start()
    program.wait_healthy()


def connect(stack: ExitStack, door: Address) -> socket.socket:
    """A connection that stays until the end of the test."""
    client = stack.enter_context(socket.create_connection(door))
    client.settimeout(20)
    return client


def ask(client: socket.socket) -> bytes:
    """One request and the head of its answer, at least."""
    client.sendall(GET)
    return client.recv(65536)


def cpu_seconds(pids: set[int]) -> float:
    """Seconds of CPU that these processes have used so far."""
    total = 0
    for pid in pids:
        total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return total / 1e9


def memory(pids: set[int]) -> int:
    """Bytes of memory of their own that these processes hold."""
    pages = 0
    for pid in pids:
        _, resident, shared, *_ = map(int, Path(f"/proc/{pid}/statm").read_text().split())
        pages += resident - shared
    return pages * os.sysconf("SC_PAGE_SIZE")


def limited(program: Program) -> set[int]:
    """Have few descriptors for the supervisor and for new workers in the place of the old ones; gives those."""
    resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    old = program.worker_pids()
    for pid in old:
        program.kill_worker(pid)
    wait_until(lambda: len(program.worker_pids() - old) == len(old), timeout=10, what="new workers")
    program.wait_healthy()
    return program.worker_pids()


@pytest.mark.system
@pytest.mark.paced
def test_more_clients_than_may_be_wait_and_are_served(stopped: Program) -> None:
    """``max_connections`` is for both workers together: who is too many waits until somebody leaves."""
    begin(stopped, limits={"max_connections": 20})
    with ExitStack() as stack:
        clients = [connect(stack, stopped.door) for _ in range(20)]
        assert all(ask(client).startswith(b"HTTP/1.1 200 ") for client in clients)
        late = connect(stack, stopped.door)
        late.sendall(GET)
        wait_until(lambda: stopped.metric("bluegreen_accept_paused") == 2, timeout=5, what="both workers full")
        assert stopped.metric("bluegreen_open_connections") == 20
        for client in clients:
            client.close()
        assert late.recv(65536).startswith(b"HTTP/1.1 200 ")
        wait_until(lambda: stopped.metric("bluegreen_accept_paused") == 0, timeout=5, what="both accept again")


@pytest.mark.system
@pytest.mark.paced
def test_one_address_has_its_limit_over_all_workers(stopped: Program) -> None:
    """To the connection exactly, and a reload changes it."""
    begin(stopped, limits={"max_connections_per_address": 10})
    with ExitStack() as stack:
        clients = [connect(stack, stopped.door) for _ in range(10)]
        assert all(ask(client).startswith(b"HTTP/1.1 200 ") for client in clients)
        for _ in range(10):
            assert connect(stack, stopped.door).recv(65536).startswith(b"HTTP/1.1 503 ")
        assert all(ask(client).startswith(b"HTTP/1.1 200 ") for client in clients)
        stopped.config["limits"] = {"max_connections_per_address": 11}
        stopped.write_config()
        assert stopped.admin("POST", "/v1/reload").status == 200
        wait_until(lambda: stopped.admin("GET", "/readyz").status == 200, timeout=5, what="the limit in every worker")
        assert ask(connect(stack, stopped.door)).startswith(b"HTTP/1.1 200 ")
    assert stopped.metric("bluegreen_rejected_requests_total") == 10


@pytest.mark.system
@pytest.mark.paced
def test_accepting_pauses_before_descriptors_run_out(stopped: Program) -> None:
    """A flood fills two workers: who is in is served, the program does not spin, and afterwards all is as before."""
    begin(stopped, timeouts={"head": "60s", "idle": "60s"})
    workers = limited(stopped)
    with ExitStack() as stack:
        regulars = [connect(stack, stopped.door) for _ in range(8)]
        assert all(ask(client).startswith(b"HTTP/1.1 200 ") for client in regulars)
        flood = [connect(stack, stopped.door) for _ in range(2 * DESCRIPTORS)]
        wait_until(lambda: stopped.metric("bluegreen_accept_paused") == 2, timeout=10, what="both workers full")
        accepted = int(stopped.metric("bluegreen_open_connections"))
        assert DESCRIPTORS / 2 < accepted < DESCRIPTORS
        before, used = time.monotonic(), cpu_seconds(workers)
        while time.monotonic() - before < 1:
            assert all(ask(client).startswith(b"HTTP/1.1 200 ") for client in regulars)
            time.sleep(0.1)
        assert (cpu_seconds(workers) - used) / (time.monotonic() - before) < 0.5
        inside = flood[: accepted - len(regulars)]
        for client in inside:  # all at once, so that each needs a connection to an upstream of its own
            client.sendall(b"GET /slow?ms=500 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert all(client.recv(65536).startswith(b"HTTP/1.1 200 ") for client in inside)
        for client in flood:
            client.close()
        began = time.monotonic()
        assert ask(connect(stack, stopped.door)).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - began < 5
        wait_until(lambda: stopped.metric("bluegreen_accept_paused") == 0, timeout=5, what="both accept again")
    assert stopped.worker_pids() == workers
    assert stopped.metric("bluegreen_upstream_failures_total") == 0
    assert stopped.metric("bluegreen_accept_pauses_total") >= 2


@pytest.mark.system
def test_the_supervisor_survives_without_descriptors(program: Program, fleet: Fleet) -> None:
    """The admin API takes no more clients then and no upstream can be probed: nobody is held to be ill for that."""
    resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    with Load(program.door, OTHERS, color="blue") as load, ExitStack() as stack:
        for _ in range(2 * DESCRIPTORS):
            with contextlib.suppress(ConnectionError):
                connect(stack, program.admin_address)
        load.wait_for(2000)
        stack.close()
        wait_until(lambda: is_ready(program), timeout=20, what="the admin API back")
        report = load.stop()
    assert not report.breaches(), str(report)
    assert "upstream_unhealthy" not in program.log()
    assert program.metric("bluegreen_upstream_up") == len(fleet.upstreams)


def is_ready(program: Program) -> bool:
    """Whether the admin API says so. It may reset a connection that there is no descriptor for."""
    try:
        return program.admin("GET", "/readyz").status == 200
    except (OSError, http.client.HTTPException):
        return False


@pytest.mark.system
async def test_slow_clients_of_all_kinds_harm_nobody(stopped: Program) -> None:
    """Hundreds at once, each of them cut by its timeout, while ordinary clients see not a single error."""
    kinds = [kind for kind in attackers.ALL for _ in range(EACH)]
    async with large_answers(stopped):
        await asyncio.to_thread(begin, stopped, timeouts=IMPATIENT)
        with Load(stopped.door, OTHERS, color="blue") as load:
            await asyncio.to_thread(load.wait_for, 200)
            async with asyncio.timeout(60):
                answers = await asyncio.gather(*(attack(stopped.door) for attack in kinds))
            await asyncio.to_thread(load.wait_for, 200)
            report = await asyncio.to_thread(load.stop)
    assert not report.breaches(), str(report)
    for kind, answer in zip(kinds, answers, strict=True):
        expected = {attackers.slow_head: b"HTTP/1.1 408 ", attackers.slow_post: b"HTTP/1.1 408 "}.get(kind, b"")
        assert answer.startswith(expected), (kind, answer)
    for gauge in ("bluegreen_open_connections", "bluegreen_http_requests_in_flight"):
        await asyncio.to_thread(wait_until, lambda: stopped.metric(gauge) == 0, timeout=10, what=f"{gauge} at 0")  # noqa: B023


@asynccontextmanager
async def large_answers(program: Program) -> AsyncIterator[None]:
    """One more service, whose answers have 1 GiB; for a program that is not started yet."""
    server = FaultServer(endless)
    async with server.listening():
        pools = {"blue": {"upstreams": ["{}:{}".format(*server.address)]}, "green": {"upstreams": []}}
        program.config["services"]["large"] = {"hosts": ["large"], "pools": pools, "health": None}
        yield


async def endless(peer: Peer) -> None:
    """Answers of 1 GiB."""
    await peer.head()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIB)
    piece = bytes(1 << 20)
    while True:
        await peer.send(piece)


async def deaf(peer: Peer) -> None:
    """Takes a head and nothing of the body."""
    await peer.head()
    await asyncio.Event().wait()


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("upstream", [endless, deaf], ids=["download", "upload"])
async def test_a_stalled_connection_holds_little_memory(stopped: Program, upstream: Behaviour) -> None:
    """Of 1 GiB each way less than 256 KiB is in the memory of a worker, for each connection that goes no further."""
    server = FaultServer(upstream)
    head = GET if upstream is endless else b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % GIB
    async with server.listening():
        pool = {"upstreams": ["{}:{}".format(*server.address)]}
        stopped.service_config.update(pools={"blue": pool, "green": {"upstreams": []}}, health=None)
        stopped.config["timeouts"] = {"stall": "60s", "response": "60s"}
        stopped.write_config()
        await asyncio.to_thread(stopped.start)
        workers = stopped.worker_pids()
        async with stalled(stopped.door, head, 8):
            before = await settled(workers)
            async with stalled(stopped.door, head, STALLED):
                each = (await settled(workers) - before) / STALLED
    print(f"{each / 1024:.0f} KiB for each stalled connection")
    assert each < MOST_MEMORY


@asynccontextmanager
async def stalled(door: Address, head: bytes, count: int) -> AsyncIterator[None]:
    """So many clients that send as much as is taken, and read nothing."""
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        sending = []
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, attackers.WINDOW)
            client.setblocking(False)
            await loop.sock_connect(client, door)
            await loop.sock_sendall(client, head)
            if head != GET:
                sending.append(asyncio.create_task(loop.sock_sendall(client, bytes(64 << 20))))
        yield
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)


async def settled(pids: set[int]) -> int:
    """The memory of these processes once it does not grow any more."""
    before = -1
    while (now := memory(pids)) != before:
        before = now
        await asyncio.sleep(0.5)
    return now


@pytest.mark.system
def test_slowhttptest_harms_nobody(stopped: Program, tmp_path: Path) -> None:
    """The four modes of slowhttptest at the same time, with ordinary clients beside them that see no error."""
    tool = require_tool("slowhttptest", package="slowhttptest")
    begin(stopped, timeouts=IMPATIENT)
    url = "http://{}:{}/stream?chunks=100000&ms=0".format(*stopped.door)
    common = ["-c", str(SECONDS * RATE), "-r", str(RATE), "-l", str(SECONDS), "-i", "1", "-u", url]
    with Load(stopped.door, OTHERS, color="blue") as load, ExitStack() as stack:
        load.wait_for(200)
        attacks = [
            stack.enter_context(subprocess.Popen([tool, *mode, *common], stdout=subprocess.PIPE, cwd=tmp_path))
            for mode in (["-H"], ["-B", "-s", "100000"], ["-R"], ["-X", "-w", "512", "-y", "1024", "-n", "1"])
        ]
        for attack in attacks:
            output = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", attack.communicate()[0].decode())
            assert re.findall(r"service available:\s+(\w+)", output)[-1] == "YES", output
            assert "Exit status:" in output, output
        load.wait_for(200)
        report = load.stop()
    assert not report.breaches(), str(report)
    wait_until(lambda: stopped.metric("bluegreen_open_connections") == 0, timeout=10, what="everybody gone")
