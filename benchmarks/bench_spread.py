"""How evenly two workers share clients: the front door, and what the kernel makes of the two ways to share a port.

A client connects 64 times, in a burst or with a request on each connection before the next, and the share of the
busier worker is noted: 50 % is even. Beside our program stand two bare acceptors on one shared listening socket, and
two with a socket each (SO_REUSEPORT), which the kernel fills by a hash of the addresses.

Run: python benchmarks/bench_spread.py [--rounds 20]
"""

from __future__ import annotations

import argparse
import multiprocessing
import select
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.peers import origin, ours, processes
from benchmarks.peers.proxies import Plan

CONNECTIONS = 64
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def accept(listener: socket.socket) -> None:
    """A bare worker: takes who comes, and answers."""
    epoll = select.epoll()
    epoll.register(listener, select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    while True:
        for descriptor, _ in epoll.poll():
            try:
                if descriptor == listener.fileno():
                    client, _ = listener.accept()
                    clients[client.fileno()] = client
                    epoll.register(client, select.EPOLLIN)
                elif clients[descriptor].recv(1000):
                    clients[descriptor].send(ANSWER)
                else:
                    clients.pop(descriptor).close()
            except BlockingIOError:
                pass


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    listener.setblocking(False)
    return listener


@contextmanager
def bare(each_its_own: bool) -> Iterator[tuple[int, list[int]]]:
    """Two bare workers; the port, and who they are."""
    first = _listener(0)
    port = first.getsockname()[1]
    second = _listener(port) if each_its_own else first
    workers = [multiprocessing.Process(target=accept, args=(each,), daemon=True) for each in (first, second)]
    for worker in workers:
        worker.start()
    first.close()
    second.close()
    try:
        yield port, [worker.pid or 0 for worker in workers]
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


@contextmanager
def front_door(python: Path) -> Iterator[tuple[int, list[int]]]:
    """The program with two workers; its port, and who they are."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spread-")))
        ports = [processes.free_port() for _ in range(3)]
        application = [sys.executable, "-m", "benchmarks.peers.origin", str(ports[2]), "1"]
        stack.enter_context(processes.running(application, cores=None, port=ports[2], log=folder / "origin"))
        plan = Plan(folder, ports[0], ports[1], [f"{origin.addresses(1)[0]}:{ports[2]}"], workers=2)
        command = ours.run_by(python)(plan)
        pid = stack.enter_context(processes.running(command, cores=None, port=plan.port, log=folder / "log"))
        time.sleep(2)
        yield plan.port, [each for each in processes.tree(pid) if b"worker" in _command(each)]


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def share(port: int, workers: list[int], connect: Callable[[int], socket.socket]) -> float:
    """The part of all connections that the busier worker has."""
    clients = [connect(port) for _ in range(CONNECTIONS)]
    time.sleep(0.2)
    counts = [sum(processes.connections(worker, port)) for worker in workers]
    for client in clients:
        client.close()
    time.sleep(0.1)
    return max(counts) / sum(counts)


def burst(port: int) -> socket.socket:
    """Connects, and waits for nothing."""
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", port))
    return client


def in_turn(port: int) -> socket.socket:
    """Connects, and has an answer before the next one does."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(REQUEST)
    client.recv(1000)
    return client


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="what runs the front door")
    options = parser.parse_args()
    kinds: dict[str, Callable[[], AbstractContextManager[tuple[int, list[int]]]]] = {
        "the front door": lambda: front_door(options.python),
        "one shared socket, bare": lambda: bare(False),
        "a socket each (SO_REUSEPORT), bare": lambda: bare(True),
    }
    print("| who | how | busier worker: median | least | most |\n| --- | --- | ---: | ---: | ---: |")
    for kind, start in kinds.items():
        with start() as (port, workers):
            for how, connect in (("in a burst", burst), ("in turn", in_turn)):
                shares = [share(port, workers, connect) for _ in range(options.rounds)]
                print(f"| {kind} | {how} | {statistics.median(shares):.0%} | {min(shares):.0%} | {max(shares):.0%} |")


if __name__ == "__main__":
    main()
