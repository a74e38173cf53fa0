"""Dialling gives a connected socket or an error, tries all addresses of a name, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from proxy.net.dialling import dial

REFUSED, LOOPBACK = "127.0.0.2", "127.0.0.1"


class Resolver:
    """The running loop, for which every name stands for the given addresses."""

    def __init__(self, *hosts: str) -> None:
        self._hosts = hosts
        self._loop = asyncio.get_running_loop()

    def __getattr__(self, name: str) -> object:
        return getattr(self._loop, name)

    async def getaddrinfo(self, _: str, port: int, **__: object) -> list[tuple[Any, ...]]:
        """What a resolver would say."""
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)) for host in self._hosts]


def call(listener: socket.socket, host: str, *hosts: str) -> Awaitable[socket.socket]:
    """Dial the listener's port at a host; if that is a name, it stands for ``hosts``."""
    loop = cast(Any, Resolver(*hosts)) if hosts else asyncio.get_running_loop()
    return dial(loop, host, listener.getsockname()[1])


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server on loopback."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield listener


def open_sockets() -> int:
    """How many this process has."""
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # that of the listing itself
            count += str(link.readlink()).startswith("socket:")
    return count


async def test_a_connected_socket_that_neither_waits_nor_delays(listener: socket.socket) -> None:
    """Small writes go out at once, and no child process inherits it."""
    with await call(listener, LOOPBACK) as connected:
        assert not connected.getblocking()
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not connected.get_inheritable()
        peer, _ = listener.accept()
        with peer:
            assert peer.getpeername() == connected.getsockname()


@pytest.mark.parametrize("hosts", [(LOOPBACK,), (LOOPBACK, REFUSED), (REFUSED, LOOPBACK), (REFUSED, LOOPBACK, REFUSED)])
async def test_the_first_address_that_answers(listener: socket.socket, hosts: tuple[str, ...]) -> None:
    """Those that refuse are passed over, and their sockets closed."""
    before = open_sockets()
    with await call(listener, "name", *hosts) as connected:
        assert connected.getpeername() == listener.getsockname()
        assert open_sockets() == before + 1


@pytest.mark.parametrize("hosts", [(), (REFUSED, REFUSED)])
async def test_a_refusal_is_an_error_of_which_nothing_stays(listener: socket.socket, hosts: tuple[str, ...]) -> None:
    """Neither a socket nor, until garbage is collected, the error itself."""
    before = open_sockets()
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(ConnectionRefusedError):
            (await call(listener, "name" if hosts else REFUSED, *hosts)).close()
            pytest.fail("somebody has answered")
        await asyncio.sleep(0)  # until now the loop itself was handing it on
        assert not [kept for kept in gc.get_objects() if isinstance(kept, ConnectionRefusedError)]
    finally:
        gc.enable()
    assert open_sockets() == before


@pytest.mark.parametrize("turns", range(4))
async def test_who_is_not_waited_for_any_more_leaves_nothing(listener: socket.socket, turns: int) -> None:
    """However far it had come, no socket stays open."""
    before = open_sockets()
    dialling = asyncio.ensure_future(call(listener, "name", REFUSED, LOOPBACK))
    for _ in range(turns):
        await asyncio.sleep(0)
    dialling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        (await dialling).close()
    assert open_sockets() == before


async def test_a_name_that_dns_cannot_write_is_an_error() -> None:
    """Of the two that are announced."""
    with pytest.raises((OSError, UnicodeError)):
        await dial(asyncio.get_running_loop(), "a" * 64 + ".example", 80)


async def test_an_address_of_version_6() -> None:
    """Without brackets, as the address of an upstream comes apart."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener, await call(listener, "::1") as connected:
        assert connected.getpeername()[:2] == listener.getsockname()[:2]
