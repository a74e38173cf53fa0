"""What upstreams and the log are told of a client, and what a client cannot make them believe."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.shm.names import Series
from proxy.traffic.spec import DoorSpec
from tests.dataplane.conftest import GET, SERVICE, Front, StartFront, entry
from tests.harness import faults
from tests.harness.faults import FaultServer
from tests.http1.heads import strict_fields


def trust(front: Front, servers: list[FaultServer], *networks: str) -> None:
    """From the next connection on, these are proxies of ours."""
    spec: DoorSpec = replace(front.spec, trusted_proxies=networks)
    front.publish(replace(SERVICE, blue=tuple(map(entry, servers))), door=spec)
    front.door.refresh()


def request(*fields: bytes, line: bytes = b"GET / HTTP/1.1") -> bytes:
    """A request with these fields."""
    return b"\r\n".join([line, b"Host: a", *fields, b"", b""])


TOLD = request(
    b"X-Forwarded-For: 203.0.113.9, 10.0.0.8",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: shop.example",
    b"X-Forwarded-Port: 443",
    b"Forwarded: for=203.0.113.9",
    b"X-Request-Id: told",
)


@pytest.mark.parametrize(
    ("networks", "client_address"),
    [((), "127.0.0.1"), (("127.0.0.1/32",), "10.0.0.8"), (("127.0.0.0/8", "10.0.0.0/8"), "203.0.113.9")],
)
async def test_a_client_is_believed_as_far_as_proxies_are_trusted(
    start_front: StartFront, networks: tuple[str, ...], client_address: str
) -> None:
    """Log and upstream have the same client: the last address in the chain that is no proxy of ours."""
    front, servers = await start_front([faults.answer])
    trust(front, servers, *networks)
    async with front.client() as client:
        client.send(TOLD)
        head, _ = await client.answer(5)
    (line,) = await front.log(1)
    fields = dict(strict_fields(servers[0].heads[0]))
    assert fields[b"x-real-ip"].decode() == line["client"] == client_address
    assert fields[b"x-request-id"].decode() == line["request_id"]
    assert (b"\r\nX-Request-Id: told\r\n" in head) == bool(networks)
    if networks:
        assert fields[b"x-forwarded-for"] == b"203.0.113.9, 10.0.0.8, 127.0.0.1"
        assert (fields[b"x-forwarded-proto"], fields[b"x-forwarded-host"]) == (b"https", b"shop.example")
        assert (fields[b"x-forwarded-port"], fields[b"forwarded"]) == (b"443", b"for=203.0.113.9")
    else:
        assert fields[b"x-forwarded-for"] == b"127.0.0.1"
        assert (fields[b"x-forwarded-proto"], fields[b"x-forwarded-host"]) == (b"http", b"a")
        assert not fields.keys() & {b"x-forwarded-port", b"forwarded"}


async def test_a_chain_that_is_none_is_no_error(start_front: StartFront) -> None:
    """The trusted proxy's own address stands in, and what it sent is passed on."""
    front, servers = await start_front([faults.answer])
    trust(front, servers, "127.0.0.1/32")
    async with front.client() as client:
        client.send(request(b'X-Forwarded-For: 192.0.2.1, "<script>"'))
        await client.answer(5)
    assert (await front.log(1))[0]["client"] == "127.0.0.1"
    assert dict(strict_fields(servers[0].heads[0]))[b"x-forwarded-for"] == b'192.0.2.1, "<script>", 127.0.0.1'


async def test_our_own_names_reach_nobody(start_front: StartFront) -> None:
    """A client cannot pass a field off as this proxy's, in any spelling."""
    front, servers = await start_front([faults.answer])
    async with front.client() as client:
        client.send(request(b"X-Bluegreen-Color: green", b"x-BLUEGREEN-receipt: 1", b"X_Bluegreen_Color: green"))
        await client.answer(5)
    assert b"bluegreen" not in servers[0].heads[0].lower().replace(b"via: 1.1 bluegreen", b"")


async def test_hops_are_counted(start_front: StartFront) -> None:
    """OPTIONS with hops left is passed on with one less; with none left it is answered here, and nobody is asked."""
    front, servers = await start_front([faults.answer])
    async with front.client() as client:
        client.send(request(b"Max-Forwards: 1", line=b"OPTIONS * HTTP/1.1"))
        await client.answer(5)
        assert dict(strict_fields(servers[0].heads[0]))[b"max-forwards"] == b"0"
        client.send(request(b"Max-Forwards: 0", line=b"OPTIONS / HTTP/1.1") + GET)
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nAllow: GET, " in head
        for _ in range(3):  # the lines of its text
            await client.reader.readline()
        assert (await client.answer(5))[1] == faults.GOOD_BODY
    assert len(servers[0].heads) == 2
    assert front.count(Series.REJECTED, "max_forwards") == 1
    assert [line["outcome"] for line in await front.log(3)] == ["finished", "max_forwards", "finished"]
