"""A worker's parts, put together in the test's own process: real sockets, real board, real meters, no supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.dataplane.access_log import AccessLog
from proxy.dataplane.accounting import DoorMeters
from proxy.dataplane.admission import Lease
from proxy.dataplane.door import Door
from proxy.dataplane.listening import Listening
from proxy.dataplane.room import WHOLE, Share
from proxy.dataplane.routing import Routing
from proxy.dataplane.sweeper import Sweeper
from proxy.shm.addresses import AddressCounts, AddressTable
from proxy.shm.board import Board, BoardView
from proxy.shm.meters import MeterRegion, Meters
from proxy.shm.names import Outcome, Series
from proxy.traffic.spec import AccessLog as AccessLogSpec
from proxy.traffic.spec import AccessLogFormat, Balance, DoorSpec, RetryRule
from proxy.traffic.table import RoutingTable, TableService, TableUpstream
from proxy.traffic.table_codec import encode_table
from tests.harness.faults import Behaviour, FaultServer

SERVICE = TableService(
    name="default",
    hosts=("*",),
    paths=("/",),
    split=0,
    blue=(),
    green=(),
    balance=Balance.ROUND_ROBIN,
    retry=RetryRule(),
    consecutive_errors=5,
)


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
BLUE = ("default", "blue")


class Front:
    """One worker's data plane, and the supervisor's ends of its board and meters."""

    def __init__(self, log_path: Path) -> None:
        self.board = Board.create(1024 * 1024)
        self.region = MeterRegion.create()
        self.addresses = AddressTable.create(1)
        self.log_path = log_path
        self.generation = 0
        self.suspects: list[tuple[str, str]] = []
        self.spec = DoorSpec(access_log=AccessLogSpec(AccessLogFormat.JSON, str(log_path)))

    def publish(self, *services: TableService, door: DoorSpec | None = None) -> None:
        """Put another table on the board."""
        self.generation += 1
        self.board.publish(
            self.generation, encode_table(RoutingTable(self.generation, door or self.spec, services or (SERVICE,)))
        )

    async def start(self, share: Share = WHOLE) -> None:
        """Accept clients on a free port."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.address = listener.getsockname()
        meters = Meters.attach(self.region.fd)
        door_meters = DoorMeters(meters)
        log = AccessLog(lambda lines: None)
        routing = Routing(BoardView.attach(self.board.fd), meters, 0)
        log.configure(routing.door.access_log)
        self.door = Door(
            asyncio.get_running_loop(),
            routing,
            door_meters,
            log,
            id_prefix=b"test",
            on_suspect=self._suspect,
            addresses=AddressCounts(self.addresses.fd, 0),
            share=share,
        )
        self.listening = Listening(self.door, [listener.detach()])
        self.sweeper = Sweeper(self.door)
        self.listening.start()
        self.sweeper.start()

    def _suspect(self, lease: Lease, reason: str) -> None:
        self.suspects.append((lease.upstream.address, reason))

    async def stop(self) -> None:
        """Drop everything."""
        self.sweeper.stop()
        self.listening.stop()
        for connection in list(self.door.connections):
            connection.stream.abort()
        for upstream in self.door.routing.upstreams():
            upstream.idle.close()
        await asyncio.sleep(0)
        self.door.poller.close()
        self.door.log.close()

    def close(self) -> None:
        """Give the memory back, which holds descriptors; nothing can be counted any more."""
        for memory in (self.board, self.region, self.addresses):
            memory.close()

    def count(self, *name: str) -> int:
        """A meter's value."""
        return self.region.value(*name)

    async def log(self, lines: int) -> list[dict[str, object]]:
        """The access log, once it has so many lines."""
        while True:
            self.door.log.flush()
            text = self.log_path.read_text() if self.log_path.exists() else ""
            if text.count("\n") >= lines:
                return [json.loads(line) for line in text.splitlines()]
            await asyncio.sleep(0.005)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so; the test's own time limit is the bound."""
        while not condition():  # noqa: ASYNC110 - conditions are values of the meters, which raise no event
            await asyncio.sleep(0.002)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A raw client connection."""
        reader, writer = await asyncio.open_connection(*self.address[:2])
        try:
            yield Client(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class Client:
    """Sends and reads bytes, and hides nothing."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)

    async def head(self) -> bytes:
        """Read one head."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def answer(self, size: int) -> tuple[bytes, bytes]:
        """Read one head and so many bytes of body."""
        return await self.head(), await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Read until the end of the connection."""
        return await self.reader.read()


def quiet(front: Front) -> bool:
    """Whether nothing is counted as in flight, and everything admitted has ended."""
    ended = sum(front.count(Series.ENDED, *BLUE, outcome) for outcome in Outcome)
    return (
        front.count(Series.IN_FLIGHT, *BLUE) == 0
        and front.count(Series.TUNNELS, *BLUE) == 0
        and front.count(Series.ADMITTED, *BLUE) == ended
    )


def entry(server: FaultServer) -> TableUpstream:
    """A server as the routing table names it."""
    return TableUpstream("{}:{}".format(*server.address), 1)


StartFront = Callable[..., Awaitable[tuple[Front, list[FaultServer]]]]


@pytest.fixture
async def start_front(tmp_path: Path) -> AsyncIterator[StartFront]:
    """Starts a front door before upstreams that play the given scripts, one list of behaviours for each."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            *scripts: list[Behaviour],
            door: DoorSpec | None = None,
            service: TableService = SERVICE,
            share: Share = WHOLE,
        ) -> tuple[Front, list[FaultServer]]:
            front = Front(tmp_path / "access.log")
            front.spec = replace(door or DoorSpec(), access_log=front.spec.access_log)
            servers = [FaultServer(*script) for script in scripts]
            for server in servers:
                await stack.enter_async_context(server.listening())
            blue = tuple(map(entry, servers))
            front.publish(replace(service, blue=blue))
            stack.callback(front.close)
            await front.start(share)
            stack.push_async_callback(front.stop)
            return front, servers

        yield start
