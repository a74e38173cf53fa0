"""Connections to upstreams: kept ones are fresh and wanted, used ones tell their borrower everything."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from proxy.net.dialling import dial
from proxy.net.poller import Poller
from proxy.upstream.connection import Borrower, UpstreamConnection
from proxy.upstream.pool import MAX_IDLE_AGE, SAFE_IDLE_AGE, IdlePool
from tests.compiled import interpreted_only


class Server:
    """Accepts connections and leaves them to the test."""

    def __init__(self) -> None:
        self.surpluses = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.poller = Poller(asyncio.get_running_loop())
        self.pool = IdlePool("{}:{}".format(*self.listener.getsockname()), self.surplus)

    def surplus(self) -> None:
        """What the pool calls when bytes come that nobody has asked for."""
        self.surpluses += 1

    async def connect(self) -> tuple[UpstreamConnection, socket.socket]:
        """A new connection of the pool, and the server's end of it."""
        connection = await self.pool.connect(self.poller, 5.0)
        peer, _ = self.listener.accept()
        peer.setblocking(False)
        return connection, peer


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server and a pool for it."""
    server = Server()
    with contextlib.closing(server.listener):
        yield server
        server.pool.close()
        await asyncio.sleep(0)
        server.poller.close()


class Listener(Borrower):
    """A borrower that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def upstream_data(self, data: bytes) -> None:
        self.told.append(data)

    def upstream_eof(self) -> None:
        self.told.append("eof")

    def upstream_lost(self, error: Exception | None) -> None:
        self.told.append(type(error))

    def upstream_full(self) -> None:
        self.told.append("full")

    def upstream_writable(self) -> None:
        self.told.append("writable")


async def lost(connection: UpstreamConnection) -> None:
    """Wait until it is of no more use."""
    while not connection.lost:  # noqa: ASYNC110 - it tells only its borrower
        await asyncio.sleep(0.001)


async def test_the_freshest_is_taken_first(server: Server) -> None:
    """So that the others grow old and are closed."""
    first, one = await server.connect()
    second, two = await server.connect()
    server.pool.put(first, 0.0)
    server.pool.put(second, 1.0)
    assert server.pool.take(1.0, repeatable=True) is second
    assert server.pool.take(1.0, repeatable=True) is first
    assert server.pool.take(1.0, repeatable=True) is None
    for connection in (first, second):
        connection.discard()
    one.close()
    two.close()


async def test_what_must_not_be_sent_twice_gets_a_fresh_silent_connection(server: Server) -> None:
    """Not one that was idle for long, nor one on which something has come."""
    connection, peer = await server.connect()
    server.pool.put(connection, 0.0)
    assert server.pool.take(SAFE_IDLE_AGE * 2, repeatable=False) is None
    assert len(server.pool) == 1
    assert server.pool.take(SAFE_IDLE_AGE, repeatable=False) is connection
    server.pool.put(connection, 0.0)
    peer.close()  # the loop does not know of it yet
    assert server.pool.take(0.0, repeatable=False) is None
    assert connection.lost
    assert server.surpluses == 0


async def test_what_came_before_the_loop_noticed_is_noticed_all_the_same(server: Server) -> None:
    """The loop may hand out the next request before these bytes, and they would be taken for its answer."""
    (first, one), (second, two) = await server.connect(), await server.connect()
    server.pool.put(first, 0.0)
    server.pool.put(second, 0.0)
    two.send(b"HTTP/1.1 200 OK")  # and no step of the loop from here on
    assert server.pool.take(0.0, repeatable=True) is first
    assert (second.lost, server.surpluses) == (True, 1)
    first.discard()
    one.close()
    two.close()


@interpreted_only
@pytest.mark.parametrize("greeting", [b"220 hello", b""])
async def test_a_new_connection_that_stirs_is_no_good(
    server: Server, greeting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent on it yet, so nothing is lost by trying another; a greeting is counted."""

    async def dial_and_wait(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
        connected = await dial(loop, host, port)
        peer, _ = server.listener.accept()
        peer.send(greeting)
        peer.close()
        return connected

    monkeypatch.setattr("proxy.upstream.pool.dial", dial_and_wait)
    with pytest.raises(ConnectionResetError):
        await server.pool.connect(server.poller, 5.0)
    assert server.surpluses == (1 if greeting else 0)


async def test_an_old_connection_is_swept(server: Server) -> None:
    """The rest stays."""
    old, one = await server.connect()
    fresh, two = await server.connect()
    server.pool.put(old, 0.0)
    server.pool.put(fresh, 1.0)
    server.pool.sweep(MAX_IDLE_AGE + 0.5)
    assert (old.lost, fresh.lost, len(server.pool)) == (True, False, 1)
    one.close()
    two.close()


async def test_a_closed_pool_keeps_nothing(server: Server) -> None:
    """What comes back from a request that was in flight when the upstream was removed is closed."""
    connection, peer = await server.connect()
    server.pool.close()
    server.pool.put(connection, 0.0)
    assert connection.lost
    assert len(server.pool) == 0
    peer.close()


async def test_no_more_than_so_many_are_kept(server: Server) -> None:
    """The one too many is closed."""
    server.pool.keep_at_most(1)
    (first, one), (second, two) = await server.connect(), await server.connect()
    server.pool.put(first, 0.0)
    server.pool.put(second, 0.0)
    assert (first.lost, second.lost) == (False, True)
    one.close()
    two.close()


@pytest.mark.parametrize("ending", [b"surprise", b""])
async def test_an_idle_connection_that_stirs_is_dropped(server: Server, ending: bytes) -> None:
    """Data that nobody asked for, or the end: also when a slow client had paused it."""
    connection, peer = await server.connect()
    connection.stream.pause_reading()
    server.pool.put(connection, 0.0)
    if ending:
        peer.send(ending)
    else:
        peer.shutdown(socket.SHUT_WR)
    await lost(connection)
    assert server.pool.take(0.0, repeatable=True) is None
    peer.close()


@interpreted_only
async def test_a_borrower_hears_everything(server: Server) -> None:
    """Data, backpressure and the end, in order."""
    connection, peer = await server.connect()
    connection.borrower = borrower = Listener()
    peer.send(b"hello")
    while not borrower.told:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    connection.stream.write(bytes(8_000_000))
    peer.setblocking(True)
    await asyncio.to_thread(lambda: [peer.recv(1_000_000) for _ in range(4)])
    peer.shutdown(socket.SHUT_WR)
    while "eof" not in borrower.told:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    connection.discard()
    peer.close()
    assert borrower.told[:2] == [b"hello", "full"]


@interpreted_only
async def test_what_an_upstream_said_before_it_reset_our_write_is_not_lost(server: Server) -> None:
    """Its answer is in the kernel, though the write has failed already."""
    connection, peer = await server.connect()
    connection.borrower = borrower = Listener()
    connection.stream.pause_reading()
    connection.stream.write(b"request")
    await asyncio.sleep(0.01)
    peer.send(b"answer")
    peer.close()  # with the request unread: a RST
    await asyncio.sleep(0.01)
    while not connection.lost:
        connection.stream.write(b"more")
        await asyncio.sleep(0.001)
    assert b"answer" in borrower.told
    assert "eof" not in borrower.told


async def test_a_connection_that_is_not_wanted_any_more_is_not_left_behind(server: Server) -> None:
    """Cancelling at any moment leaves no open socket."""
    loop = asyncio.get_running_loop()
    for rounds in range(6):
        task = loop.create_task(server.pool.connect(server.poller, 5.0))
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            (await task).discard()
    server.listener.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        while True:
            peer, _ = server.listener.accept()
            await asyncio.sleep(0.01)
            with peer, contextlib.suppress(ConnectionResetError):
                peer.settimeout(1.0)
                assert peer.recv(1) == b""


async def test_what_a_patient_upstream_keeps_may_carry_what_must_not_be_sent_twice(server: Server) -> None:
    """Others show how long it keeps them; once it closes one, that is forgotten."""
    (first, one), (second, two) = await server.connect(), await server.connect()
    server.pool.put(first, 0.0)
    server.pool.put(second, 0.9)
    server.pool.sweep(1.0)
    assert server.pool.take(1.41, repeatable=False) is None
    assert server.pool.take(1.4, repeatable=False) is second
    server.pool.put(second, 2.0)
    one.close()
    await lost(first)
    server.pool.sweep(2.0)
    assert server.pool.take(2.1, repeatable=False) is None
    two.close()


class Clumsy(Listener):
    """A borrower that has a fault."""

    def upstream_data(self, data: bytes) -> None:
        super().upstream_data(data)
        raise ZeroDivisionError


@interpreted_only
async def test_a_borrower_with_a_fault_is_told_the_end_and_nothing_else(server: Server) -> None:
    """What else came would only meet the fault again, and the end would not be told."""
    faults: list[object] = []
    server.poller.loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
    connection, peer = await server.connect()
    connection.borrower = borrower = Clumsy()
    connection.stream.pause_reading()
    peer.send(bytes(200_000))
    connection.stream.resume_reading()
    await lost(connection)
    assert borrower.told[1:] == [ZeroDivisionError]
    assert [type(fault) for fault in faults] == [ZeroDivisionError]
    peer.close()
