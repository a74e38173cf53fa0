"""An acceptor takes everybody who waits, a few at a time, and tells trouble of the kernel's from a client that left."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.net.acceptor import Acceptor
from proxy.net.poller import Socket, Watched
from tests.net.conftest import Bench, rounds, until

AT_ONCE = 4


class Listener(socket.socket):
    """A listening socket of which accepting fails as often as it is told to, and with what."""

    errors: list[int]

    def _accept(self) -> tuple[int, object]:
        if self.errors:
            raise OSError(self.errors.pop(0), "accept")
        accepted: tuple[int, object] = super()._accept()  # type: ignore[misc]
        return accepted


class Door:
    """Keeps whom an acceptor takes."""

    def __init__(self, bench: Bench, family: int = socket.AF_INET, address: object = ("127.0.0.1", 0)) -> None:
        self.listener = Listener(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.listener.errors = []
        self.listener.bind(address)  # type: ignore[arg-type]
        self.listener.listen()
        self.clients: list[Socket] = []
        self.addresses: list[str] = []
        self.allowed = AT_ONCE
        self.troubles: list[int | None] = []
        self.acceptor = Acceptor(bench.poller, self.listener, lambda: self.allowed, self._accepted, self._troubled)
        self.callers: list[socket.socket] = []

    def _accepted(self, client: Socket, address: str) -> None:
        self.clients.append(client)
        self.addresses.append(address)

    def _troubled(self, error: OSError) -> None:
        self.troubles.append(error.errno)

    def call(self, count: int = 1) -> None:
        """So many clients connect."""
        for _ in range(count):
            caller = socket.socket(self.listener.family)
            caller.connect(self.listener.getsockname())
            self.callers.append(caller)

    def close(self) -> None:
        """Close everything."""
        self.acceptor.stop()
        self.listener.close()
        for end in [*self.clients, *self.callers]:
            end.close()


@pytest.fixture
def door(bench: Bench) -> Iterator[Door]:
    """A listener on loopback, and its acceptor, which is not started."""
    door = Door(bench)
    yield door
    door.close()


async def test_everybody_is_taken_with_their_address_and_nobody_after_the_stop(door: Door) -> None:
    """Their sockets do not wait; who comes while it is stopped is taken once it is started again."""
    door.acceptor.start()
    door.call(3 * AT_ONCE)
    await until(lambda: len(door.clients) == 3 * AT_ONCE)
    assert set(door.addresses) == {"127.0.0.1"}
    assert not any(client.getblocking() for client in door.clients)
    door.acceptor.stop()
    door.call()
    await rounds()
    assert len(door.clients) == 3 * AT_ONCE
    door.acceptor.start()
    await until(lambda: len(door.clients) == 3 * AT_ONCE + 1)


async def test_a_few_are_taken_at_a_time(door: Door) -> None:
    """As many as are allowed at that moment."""
    door.call(3 * AT_ONCE)
    door.acceptor.ready(0)
    assert door.clients == []  # it is not started
    door.acceptor.start()
    door.acceptor.ready(0)
    assert len(door.clients) == AT_ONCE


async def test_it_can_be_stopped_by_whom_it_took(door: Door) -> None:
    """There was room for this one only: the next stays in the queue."""
    door.call(3)
    door.acceptor.start()
    door.clients = Stopping(door.acceptor)
    await until(lambda: door.clients)
    await rounds()
    assert len(door.clients) == 1
    assert not door.acceptor.started


class Stopping(list[Socket]):
    """A list that stops an acceptor as soon as something is in it."""

    def __init__(self, acceptor: Acceptor) -> None:
        super().__init__()
        self._acceptor = acceptor

    def append(self, client: Socket) -> None:
        super().append(client)
        self._acceptor.stop()


async def test_a_client_without_an_address_has_an_empty_one(bench: Bench, tmp_path: Path) -> None:
    """That is how a unix socket shows."""
    door = Door(bench, socket.AF_UNIX, os.fspath(tmp_path / "door"))
    door.acceptor.start()
    door.call()
    await until(lambda: door.clients)
    assert door.addresses == [""]
    door.close()


@pytest.mark.parametrize("error", [errno.ECONNABORTED, errno.EPROTO, errno.EHOSTUNREACH, errno.ENETDOWN])
async def test_a_client_that_left_is_no_trouble(door: Door, error: int) -> None:
    """Whoever waits behind it is taken, also by who takes them one by one until nobody is left."""
    door.listener.errors = [error]
    door.call()
    assert door.acceptor.take()
    assert door.acceptor.take()
    assert not door.acceptor.take()
    assert (len(door.clients), door.troubles) == (1, [])


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EPERM])
async def test_trouble_stops_it_until_it_is_started_again(door: Door, error: int) -> None:
    """The kernel would tell at once of the same client again, and the worker do nothing else."""
    door.acceptor.start()
    door.listener.errors = [error]
    door.call()
    await until(lambda: door.troubles)
    await rounds()
    assert (door.troubles, door.clients, door.acceptor.started) == ([error], [], False)
    door.acceptor.start()
    await until(lambda: door.clients)


async def test_no_descriptor_is_trouble_and_costs_no_client(door: Door) -> None:
    """The real thing: who could not be taken is taken once there are descriptors again."""
    door.call()
    with no_descriptors():
        door.acceptor.start()
        await until(lambda: door.troubles)
    assert (door.troubles, door.clients) == ([errno.EMFILE], [])
    door.acceptor.start()
    await until(lambda: door.clients)


@contextlib.contextmanager
def no_descriptors() -> Iterator[None]:
    """Every descriptor that this process may have is taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as taken:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
        taken.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with contextlib.suppress(OSError):
            while True:
                taken.callback(os.close, os.dup(0))
        yield


async def test_a_socket_that_cannot_be_watched_is_trouble_too(bench: Bench, door: Door) -> None:
    """Nothing is raised, for those who start it again do so amid other things; it has not started."""
    bench.poller.watch(door.listener.fileno(), Watched())  # the kernel does not take it twice
    door.acceptor.start()
    assert (door.troubles, door.acceptor.started) == ([errno.EEXIST], False)
