"""Where one message ends and the next begins: nothing is smuggled, cut answers look cut, whole ones arrive whole."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from proxy.shm.names import Outcome, Series
from proxy.traffic.spec import DoorSpec, Limits, RetryRule
from proxy.traffic.table import TableUpstream
from tests.dataplane.conftest import BLUE, GET, POST, SERVICE, StartFront, entry, quiet
from tests.harness import faults
from tests.harness.faults import GOOD_BODY, GOOD_HEAD, Peer
from tests.harness.upstream import abort

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


async def test_what_was_sent_ahead_of_a_refused_upgrade_is_not_a_request(start_front: StartFront) -> None:
    """Bytes meant for another protocol are held back, then thrown away with both connections."""
    front, (server,) = await start_front([faults.answer])
    async with front.client() as client:
        client.send(UPGRADE + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await client.rest()
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"Connection: close" in answer
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
    assert [head.split()[1] for head in server.heads] == [b"/ws", b"/"]
    assert server.connections == 2


async def test_101_to_another_protocol_than_asked_for_is_refused(start_front: StartFront) -> None:
    """What both sides would then speak, nobody knows."""
    agreed = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: telnet\r\n\r\n"
    front, _ = await start_front([faults.raw(agreed)])
    async with front.client() as client:
        client.send(UPGRADE)
        assert (await client.head()).startswith(b"HTTP/1.1 502 ")


async def test_a_kept_1_0_client_gets_a_body_of_unknown_length_by_the_close(start_front: StartFront) -> None:
    """It knows no chunks, so its wish to keep the connection cannot be granted."""
    front, _ = await start_front(
        [faults.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    )
    async with front.client() as client:
        client.send(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
    assert b"keep-alive" not in head
    assert body == b"hello"


async def test_a_kept_1_0_client_is_kept_where_the_length_is_known(start_front: StartFront) -> None:
    """And it is told so."""
    front, _ = await start_front([faults.answer])
    async with front.client() as client:
        for _ in range(2):
            client.send(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            head, _ = await client.answer(5)
            assert b"Connection: keep-alive" in head


@pytest.mark.parametrize("end", [faults.reset_in_body, faults.truncate])
async def test_a_cut_answer_to_a_1_0_client_is_a_reset(start_front: StartFront, end: faults.Behaviour) -> None:
    """To it a FIN would be the end of a whole answer."""
    front, _ = await start_front([end])
    async with front.client() as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await client.rest()


async def test_an_answer_before_the_end_of_an_upload_survives_the_reset_behind_it(start_front: StartFront) -> None:
    """An upstream that refuses a large body and closes resets our writes; what it said is handed on all the same."""

    async def refuse(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
        peer.writer.close()  # with unread input: a RST follows the answer

    front, _ = await start_front([refuse])
    for _ in range(20):
        async with front.client() as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + bytes(3_000_000))
            assert (await client.head()).startswith(b"HTTP/1.1 413 ")
            abort(client.writer.transport)
    await front.until(lambda: quiet(front))


@pytest.mark.parametrize("status", [b"404", b"413", b"503", b"400"])
async def test_our_refusal_of_an_upload_is_never_destroyed(start_front: StartFront, status: bytes) -> None:
    """A client that stops at its first write error has the answer by then; one that reads has it anyway."""
    service = replace(SERVICE, hosts=("b",)) if status == b"404" else SERVICE
    limits = Limits(max_body=1000) if status == b"413" else Limits()
    front, _ = await start_front(
        *([] if status == b"503" else [[faults.answer]]), door=DoorSpec(limits=limits), service=service
    )
    field = b"Bad field: x\r\n" if status == b"400" else b""
    request = b"POST / HTTP/1.1\r\nHost: a\r\n%sContent-Length: 20000000\r\n\r\n" % field + bytes(20_000_000)

    def upload() -> bytes:
        with socket.create_connection(front.address) as client:
            client.sendall(request)  # a reset would be an error here
            return client.recv(100)

    for _ in range(5):
        answer = await asyncio.to_thread(upload)
        assert answer.startswith(b"HTTP/1.1 " + status)


async def test_nothing_behind_a_broken_chunk_reaches_an_upstream(start_front: StartFront) -> None:
    """After a message that was refused, the connection is no source of requests any more."""
    front, (server,) = await start_front([faults.answer])
    async with front.client() as client:
        client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX" + GET)
        await asyncio.sleep(0.01)
        client.send(GET)
        answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert len(server.heads) <= 1
    assert front.count(Series.REJECTED, "chunk") == 1


async def test_a_pipelined_body_that_is_cut_by_the_end_of_the_client_is_refused(start_front: StartFront) -> None:
    """The end of the client came before the turn of the request whose body it cuts."""
    front, _ = await start_front([faults.answer])
    async with front.client() as client:
        client.send(GET + POST[:-2])
        client.writer.write_eof()
        answer = await client.rest()
    assert answer.count(b"HTTP/1.1 200 ") == 1
    assert answer.count(b"HTTP/1.1 400 ") == 1
    await front.until(lambda: quiet(front))


async def test_half_a_head_and_an_end_is_closed_at_once(start_front: StartFront) -> None:
    """Nothing more can come, so nothing is waited for."""
    front, _ = await start_front([faults.answer])
    async with front.client() as client:
        client.send(GET + GET[:10])
        client.writer.write_eof()
        assert (await client.rest()).endswith(GOOD_BODY)
    await front.until(lambda: not front.door.connections)


@pytest.mark.parametrize("length", [5, 100_000])
async def test_a_put_meets_no_stale_connection(start_front: StartFront, length: int) -> None:
    """A small one is sent again; a large one, which could not be, is not sent over a doubtful connection."""

    async def once(peer: Peer) -> None:
        await peer.head()
        await peer.reader.readexactly(length)
        await peer.send(GOOD_HEAD + GOOD_BODY)
        await peer.head()  # and then FIN instead of a second answer

    front, _ = await start_front([once])
    for _ in range(4):
        async with front.client() as client:
            client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length + bytes(length))
            head, _ = await client.answer(5)
            assert head.startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(0.01)


async def test_an_upstream_that_dies_with_its_kept_connections_costs_no_request(start_front: StartFront) -> None:
    """A stale connection is no attempt: the retry that the refusal needs is still there."""

    async def once(peer: Peer) -> None:
        await peer.head()
        await peer.send(GOOD_HEAD + GOOD_BODY)
        await peer.head()

    front, (dying, good) = await start_front([once], [faults.answer])
    front.publish(replace(SERVICE, blue=(entry(dying),)))
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
        assert dying._server is not None
        dead = entry(dying)
        dying._server.close()
        front.publish(replace(SERVICE, blue=(dead, entry(good))))
        for _ in range(2):
            client.send(GET)
            head, _ = await client.answer(5)
            assert head.startswith(b"HTTP/1.1 200 ")


async def test_retries_end_with_the_attempts_and_the_budget(start_front: StartFront) -> None:
    """attempts counts tries in all; a budget of nothing allows no retry."""
    bad = [faults.reset_before_head]
    for rule, tries in ((RetryRule(attempts=3, budget=1.0), 3), (RetryRule(attempts=3, budget=0.0), 1)):
        front, servers = await start_front(bad, bad, bad, bad, service=replace(SERVICE, retry=rule))
        async with front.client() as client:
            client.send(GET)
            assert (await client.head()).startswith(b"HTTP/1.1 502 ")
        assert sum(len(server.heads) for server in servers) == tries


async def test_a_removed_upstream_keeps_no_connection(start_front: StartFront) -> None:
    """What was in flight on it when it was removed ends, and its connection with it."""
    go_on, closed = asyncio.Event(), asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.head()
        await go_on.wait()
        await peer.send(GOOD_HEAD + GOOD_BODY)
        await peer.reader.read()
        closed.set()

    front, (old, new) = await start_front([slow], [faults.answer])
    front.publish(replace(SERVICE, blue=(entry(old),)))
    async with front.client() as client, front.client() as other:
        client.send(GET)
        await front.until(lambda: len(old.heads) == 1)
        front.publish(replace(SERVICE, blue=(entry(new),)))
        other.send(GET)
        await other.answer(5)
        go_on.set()
        await client.answer(5)
        await closed.wait()


async def test_a_name_that_cannot_be_resolved_is_502(start_front: StartFront) -> None:
    """Whatever is wrong with an upstream's name, the request ends."""
    front, _ = await start_front([faults.answer])
    front.publish(replace(SERVICE, blue=(TableUpstream("a..b:80", 1),)))
    async with front.client() as client:
        client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 502 ")
    assert front.count(Series.ENDED, *BLUE, Outcome.FAILED) == 1


async def test_a_refusal_is_counted_once(start_front: StartFront) -> None:
    """One answer of ours, one count."""
    front, _ = await start_front([faults.hang_after_request], door=DoorSpec(limits=Limits(max_body=3)))
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        assert (await client.head()).startswith(b"HTTP/1.1 413 ")
    assert front.count(Series.REJECTED, "body_too_long") == 1
