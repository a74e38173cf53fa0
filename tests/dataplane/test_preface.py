"""A listener for balancers: the connection is its client's, and without a PROXY header there is none."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from proxy.dataplane.listening import Listening
from proxy.http1.proxy_protocol import SIGNATURE
from proxy.shm.names import Series
from proxy.traffic.spec import Limits, Timeouts
from tests.dataplane.conftest import GET, SERVICE, Client, Front, StartFront, entry
from tests.harness import faults
from tests.harness.faults import FaultServer
from tests.http1.heads import strict_fields
from tests.wire.corpus import cases

LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n"
LINE6 = b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 443\r\n"


def binary(client: str, *, command: int = 0x21) -> bytes:
    """A header of version 2."""
    packed = ip_address(client).packed
    kind = 0x11 if len(packed) == 4 else 0x21
    return SIGNATURE + struct.pack("!BBH", command, kind, 2 * len(packed) + 4) + 2 * packed + bytes(4)


LOCAL = SIGNATURE + b"\x20\x00\x00\x00"


@asynccontextmanager
async def balanced(
    front: Front, servers: Sequence[FaultServer], *trusted: str, head: float = 10.0
) -> AsyncIterator[Listening]:
    """A second listener on the same front door, where everyone has to send a PROXY header; clients go there."""
    spec = replace(front.spec, trusted_proxies=trusted, timeouts=Timeouts(head=head, idle=5.0))
    front.publish(replace(SERVICE, blue=tuple(map(entry, servers))), door=spec)
    front.door.refresh()
    listener = socket.create_server(("127.0.0.1", 0))
    front.address = listener.getsockname()
    descriptor = listener.detach()
    listening = Listening(front.door, [descriptor], [descriptor])
    listening.start()
    try:
        yield listening
    finally:
        listening.stop()


async def sent_upstream(client: Client, server: FaultServer) -> dict[bytes, bytes]:
    """The fields that reached the upstream, once it has answered."""
    assert (await client.answer(5))[0].startswith(b"HTTP/1.1 200 ")
    return dict(strict_fields(server.heads[-1]))


async def send_bytewise(client: Client, data: bytes) -> None:
    """Each byte in a segment of its own."""
    sock = client.writer.get_extra_info("socket")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for index in range(len(data)):
        client.send(data[index : index + 1])
        await asyncio.sleep(0)


@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize(
    ("header", "address"),
    [
        (LINE, "192.0.2.7"),
        (LINE6, "2001:db8::7"),
        (binary("192.0.2.7"), "192.0.2.7"),
        (binary("2001:db8::7"), "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (LOCAL, "127.0.0.1"),
    ],
)
async def test_the_connection_is_its_clients(
    start_front: StartFront, header: bytes, address: str, bytewise: bool
) -> None:
    """Both versions, in one piece with the request or byte by byte: upstream and log are told of the client."""
    front, servers = await start_front([faults.answer])
    async with balanced(front, servers), front.client() as client:
        if bytewise:
            await send_bytewise(client, header + GET)
        else:
            client.send(header + GET)
        fields = await sent_upstream(client, servers[0])
        assert fields[b"x-forwarded-for"] == fields[b"x-real-ip"] == address.encode()
        client.send(GET + GET)  # an ordinary connection from here on
        for _ in range(2):
            assert (await sent_upstream(client, servers[0]))[b"x-forwarded-for"] == address.encode()
    assert [line["client"] for line in await front.log(3)] == [address] * 3
    await front.until(lambda: not front.door.connections)
    assert front.count(Series.OPEN_CONNECTIONS) == 0
    assert front.count(Series.REJECTED, "proxy_protocol") == 0


async def test_a_header_alone_is_a_connection(start_front: StartFront) -> None:
    """The request may take its time after it, as on any other connection."""
    front, servers = await start_front([faults.answer])
    async with balanced(front, servers), front.client() as client:
        client.send(LINE)
        await front.until(lambda: front.count(Series.OPEN_CONNECTIONS) == 1)
        client.send(GET)
        assert (await sent_upstream(client, servers[0]))[b"x-forwarded-for"] == b"192.0.2.7"


@pytest.mark.parametrize(
    "data",
    [
        GET,
        b"\x16\x03\x01\x02\x00\x01",
        LINE[:-2] + b"\n" + GET,
        b"PROXY TCP4 localhost 198.51.100.1 1 2\r\n" + GET,
        b"PROXY UNKNOWN " + b"x" * 200,
        binary("192.0.2.7", command=0x22) + GET,
        SIGNATURE + b"\x21\x11\xff\xff" + bytes(70_000),
    ],
)
async def test_anything_else_is_closed_without_a_word(start_front: StartFront, data: bytes) -> None:
    """Who does not begin with a header is not answered, and nothing of it goes any further."""
    front, servers = await start_front([faults.answer])
    async with balanced(front, servers), front.client() as client:
        client.send(data)
        assert await _silence(client) == b""
    (line,) = await front.log(1)
    assert (line["client"], line["outcome"]) == ("127.0.0.1", "proxy_protocol")
    assert front.count(Series.REJECTED, "proxy_protocol") == 1
    assert servers[0].connections == 0
    await front.until(lambda: not front.door.connections)


async def _silence(client: Client) -> bytes:
    """What is answered before the connection ends, by a reset perhaps."""
    try:
        return await client.rest()
    except ConnectionError:
        return b""


@pytest.mark.parametrize("beginning", [b"", b"PROXY TCP4 192.0", SIGNATURE + b"\x21\x11\x0f\x00"])
async def test_a_header_has_the_time_of_a_head(start_front: StartFront, beginning: bytes) -> None:
    """A connection that does not get to its request is closed and counted."""
    front, servers = await start_front([faults.answer])
    async with balanced(front, servers, head=0.2), front.client() as client:
        client.send(beginning)
        assert await client.rest() == b""
    assert (await front.log(1))[0]["outcome"] == "proxy_protocol"
    assert front.count(Series.REJECTED, "proxy_protocol") == 1


@pytest.mark.parametrize(("beginning", "count"), [(b"", 0), (b"PROXY", 1)])
async def test_who_only_looks_is_not_counted(start_front: StartFront, beginning: bytes, count: int) -> None:
    """A balancer may check the port by connecting and leaving again; half a header is another matter."""
    front, servers = await start_front([faults.answer])
    async with balanced(front, servers), front.client() as client:
        client.send(beginning)
        client.writer.write_eof()
        assert await client.rest() == b""
        await front.until(lambda: not front.door.connections)
    assert front.count(Series.REJECTED, "proxy_protocol") == count


async def test_with_trusted_proxies_only_these_may_send_it(start_front: StartFront) -> None:
    """Where it is said which proxies are before this one, nobody else can claim to be somebody."""
    front, servers = await start_front([faults.answer])
    async with balanced(front, servers, "10.0.0.0/8"), front.client() as client:
        client.send(LINE + GET)
        assert await _silence(client) == b""
    async with balanced(front, servers, "10.0.0.0/8", "127.0.0.1/32"), front.client() as client:
        client.send(LINE + GET)
        assert (await sent_upstream(client, servers[0]))[b"x-forwarded-for"] == b"192.0.2.7"
    assert front.count(Series.REJECTED, "proxy_protocol") == 1


TOLD = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nX-Request-Id: told\r\n\r\n"


@pytest.mark.parametrize(
    ("header", "chain", "client_address"),
    [
        (binary("192.0.2.7"), b"203.0.113.9, 192.0.2.7", "203.0.113.9"),
        (LINE6, b"2001:db8::7", "2001:db8::7"),
        (LOCAL, b"203.0.113.9, 127.0.0.1", "203.0.113.9"),
        (b"PROXY UNKNOWN\r\n", b"127.0.0.1", "127.0.0.1"),
        (binary("192.0.2.7", command=0x21).replace(b"\x21\x11", b"\x21\x12"), b"127.0.0.1", "127.0.0.1"),
    ],
)
async def test_trust_is_in_who_sends_the_request(
    start_front: StartFront, header: bytes, chain: bytes, client_address: str
) -> None:
    """A trusted balancer that passes strangers' bytes on lends them no trust, least of all when it knows no address."""
    front, servers = await start_front([faults.answer])
    async with balanced(front, servers, "127.0.0.1/32", "192.0.2.0/24"), front.client() as client:
        client.send(header + TOLD)
        fields = await sent_upstream(client, servers[0])
    assert fields[b"x-forwarded-for"] == chain
    assert (fields[b"x-request-id"] == b"told") == (b"203.0.113.9" in chain)
    assert (await front.log(1))[0]["client"] == client_address


async def test_an_ordinary_listener_knows_no_header(start_front: StartFront) -> None:
    """A client cannot say who it is where nobody asked."""
    front, servers = await start_front([faults.answer])
    for header in (LINE, binary("192.0.2.7")):
        async with front.client() as client:
            client.send(header + GET)
            assert (await client.head()).startswith(b"HTTP/1.1 400 ")
    assert servers[0].connections == 0


async def test_a_unix_socket_may_have_it_too(start_front: StartFront, tmp_path: Path) -> None:
    """A balancer on the same machine: it has no address that could be trusted, its permissions let it in."""
    front, servers = await start_front([faults.answer])
    async with balanced(front, servers, "10.0.0.0/8"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "front.sock"))
        listener.listen()
        descriptor = listener.detach()
        listening = Listening(front.door, [descriptor], [descriptor])
        listening.start()
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "front.sock"))
        client = Client(reader, writer)
        client.send(LINE + GET)
        assert (await sent_upstream(client, servers[0]))[b"x-forwarded-for"] == b"192.0.2.7"
        writer.close()
        await writer.wait_closed()
        listening.stop()


async def test_a_stop_does_not_wait_for_headers(start_front: StartFront) -> None:
    """Who has not begun is let go like an idle connection; who has begun is answered."""
    front, servers = await start_front([faults.answer])
    async with balanced(front, servers) as listening, front.client() as idle, front.client() as busy:
        busy.send(LINE[:10])
        await front.until(lambda: len(front.door.connections) == 2)
        await front.until(lambda: any(getattr(c, "_ahead", b"") for c in front.door.connections))
        front.door.stopping = True
        listening.stop()
        for connection in list(front.door.connections):
            connection.close_if_idle(front.door.loop.time(), 0.0)
        assert await idle.rest() == b""
        busy.send(LINE[10:] + GET)
        assert b"\r\nConnection: close\r\n" in (await busy.answer(5))[0]


@pytest.mark.skipif(not cases(), reason="the public cases are not here")
@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("gunicorn-valid-pp_01", [200]),
        ("gunicorn-valid-pp_02", [400]),  # HTTP/1.1 without Host (RFC 9112 3.2)
        ("gunicorn-valid-pp_03", []),  # no header at all: the specification forbids to guess
        ("gunicorn-valid-pp_04", [200]),
        ("gunicorn-valid-pp_05", [200]),
        ("gunicorn-invalid-pp_01", []),
        ("gunicorn-invalid-pp_02", []),
        ("gunicorn-invalid-pp_03", []),
    ],
)
async def test_public_cases(start_front: StartFront, name: str, statuses: list[int]) -> None:
    """What others take for good is answered, unless HTTP itself forbids; what they refuse is closed."""
    (data,) = (case.data for case in cases() if case.id == name)
    front, servers = await start_front([_answer_whatever])
    async with balanced(front, servers), front.client() as client:
        client.send(data)
        client.writer.write_eof()
        answers = await _silence(client)
    assert [int(line[9:12]) for line in answers.split(b"\n") if line.startswith(b"HTTP/1.1 ")] == statuses


async def _answer_whatever(peer: faults.Peer) -> None:
    await peer.head()
    await peer.send(faults.GOOD_HEAD + faults.GOOD_BODY)
    await peer.reader.read()


async def test_limits_for_each_address_count_the_client(start_front: StartFront) -> None:
    """One client of the balancer that has all it may have takes nothing from the balancer's other clients."""
    front, servers = await start_front([faults.answer])
    front.spec = replace(front.spec, limits=Limits(max_connections_per_address=1))
    async with balanced(front, servers), front.client() as first, front.client() as second, front.client() as other:
        first.send(LINE + GET)
        await first.answer(5)
        second.send(LINE + GET)
        assert not (await _silence(second)).startswith(b"HTTP/1.1 200 ")
        other.send(LINE6 + GET)
        assert (await other.head()).startswith(b"HTTP/1.1 200 ")
