"""One request and its answer through a worker's data plane, with real sockets on both sides."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime

import pytest

from proxy.shm.names import Outcome, Series
from proxy.traffic.spec import DoorSpec, Limits, Timeouts
from tests.dataplane.conftest import BLUE, GET, POST, SERVICE, StartFront, entry, quiet
from tests.harness import faults
from tests.harness.faults import GOOD_BODY, Behaviour, Peer
from tests.harness.upstream import abort


async def test_answers_keep_alive_requests_over_one_upstream_connection(start_front: StartFront) -> None:
    """Both connections are used again, and nothing stays in flight."""
    front, (server,) = await start_front([faults.answer])
    async with front.client() as client:
        for _ in range(3):
            client.send(GET)
            head, body = await client.answer(5)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert body == GOOD_BODY
    assert server.connections == 1
    assert len(server.heads) == 3
    assert quiet(front)
    assert front.count(Series.ENDED, *BLUE, Outcome.FINISHED) == 3


async def test_pipelined_requests_are_answered_in_order(start_front: StartFront) -> None:
    """Requests sent ahead wait for their turn."""
    front, (server,) = await start_front([faults.answer])
    async with front.client() as client:
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(20)))
        for _ in range(20):
            await client.answer(5)
    assert [head.split()[1] for head in server.heads] == [b"/%d" % n for n in range(20)]


async def test_many_pipelined_refusals_do_not_nest(start_front: StartFront) -> None:
    """Answers of our own are given in a loop, not by recursion."""
    front, _ = await start_front([faults.answer], service=replace(SERVICE, hosts=("b",)))
    async with front.client() as client:
        client.send(GET * 3000)
        for _ in range(3000):
            head = await client.head()
            assert head.startswith(b"HTTP/1.1 404 ")
            length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
            await client.reader.readexactly(length)


async def test_a_body_reaches_the_upstream_whole(start_front: StartFront) -> None:
    """Content-Length bodies and chunked ones arrive, whatever pieces they come in."""
    seen: list[bytes] = []

    async def read_all(peer: Peer) -> None:
        while True:  # whether the second comes on the same connection depends on how quick the client is
            chunked = b"chunked" in await peer.head()
            seen.append(await (peer.reader.readuntil(b"0\r\n\r\n") if chunked else peer.reader.readexactly(5)))
            await peer.send(faults.GOOD_HEAD + GOOD_BODY)

    front, _ = await start_front([read_all])
    async with front.client() as client:
        for byte in POST:
            client.send(bytes([byte]))
            await asyncio.sleep(0)
        await client.answer(5)
        client.send(
            b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n"
        )
        await client.answer(5)
    assert seen[0] == b"hello"
    assert seen[1].replace(b"3\r\nhel\r\n2\r\nlo", b"5\r\nhello") == b"5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_answers_without_a_body_end_at_their_head(start_front: StartFront, status: bytes) -> None:
    """204 and 304 leave both connections usable."""

    async def play(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 " + status + b"\r\n\r\n")
        await faults.answer(peer)

    front, (server,) = await start_front([play])
    async with front.client() as client:
        client.send(GET)
        assert status in await client.head()
        client.send(GET)
        await client.answer(5)
    assert server.connections == 1


async def test_head_gets_a_length_but_no_body(start_front: StartFront) -> None:
    """The answer to HEAD ends with its head, whatever length it tells."""

    async def play(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        await faults.answer(peer)

    front, _ = await start_front([play])
    async with front.client() as client:
        client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"Content-Length: 1000" in await client.head()
        client.send(GET)
        await client.answer(5)


async def test_a_body_until_close_is_chunked_for_1_1_and_plain_for_1_0(start_front: StartFront) -> None:
    """An old upstream's answer is framed as the client can read it."""
    old = raw_then_close(b"HTTP/1.0 200 OK\r\n\r\nhello")
    front, _ = await start_front([old])
    async with front.client() as client:
        client.send(GET)
        assert b"chunked" in await client.head()
        assert await client.reader.readexactly(len(b"5\r\nhello\r\n0\r\n\r\n")) == b"5\r\nhello\r\n0\r\n\r\n"
    async with front.client() as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert b"chunked" not in await client.head()
        assert await client.rest() == b"hello"


def raw_then_close(data: bytes) -> Behaviour:
    """These bytes as the answer to one request, then FIN."""

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.send(data)

    return behave


async def test_connection_close_is_kept_by_both_sides(start_front: StartFront) -> None:
    """A client that asks for it gets its connection closed after the answer."""
    front, _ = await start_front([faults.answer])
    async with front.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = await client.rest()
    assert b"Connection: close" in answer
    assert answer.endswith(GOOD_BODY)


async def test_a_client_that_closes_its_side_still_gets_its_answer(start_front: StartFront) -> None:
    """A half-closed client is not gone (pitfall of shutdown(SHUT_WR) clients)."""
    front, _ = await start_front([faults.slow_head(0.001)])
    async with front.client() as client:
        client.send(GET)
        client.writer.write_eof()
        assert (await client.rest()).endswith(GOOD_BODY)


async def test_expect_100_continue_is_settled_between_client_and_upstream(start_front: StartFront) -> None:
    """The upstream's 100 reaches the client, and only then the body is sent."""

    async def play(peer: Peer) -> None:
        head = await peer.head()
        assert b"100-continue" in head
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await peer.reader.readexactly(5) == b"hello"
        await peer.send(faults.GOOD_HEAD + GOOD_BODY)

    front, _ = await start_front([play])
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert (await client.head()).startswith(b"HTTP/1.1 100 ")
        client.send(b"hello")
        await client.answer(5)
    assert quiet(front)


async def test_an_answer_has_exactly_one_date(start_front: StartFront) -> None:
    """The upstream's, or else ours (RFC 9110 6.6.1); in whatever case it is written, and for old clients too."""
    front, _ = await start_front(
        [
            faults.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + fields + b"Connection: close\r\n\r\n")
            for fields in (b"", b"Date: then\r\n", b"date: then\r\n", b"dAtE: then\r\nTrailer: x\r\n")
            for _ in range(2)
        ]
    )
    dates = []
    for line in (b"GET / HTTP/1.1\r\nHost: a\r\n", b"GET / HTTP/1.0\r\n") * 4:
        async with front.client() as client:
            client.send(line + b"\r\n")
            head = await client.head()
            dates += [
                value for name, _, value in (f.partition(b": ") for f in head.split(b"\r\n")) if name.lower() == b"date"
            ]
    assert dates[2:] == [b"then"] * 6
    assert all(parsedate_to_datetime(date.decode()).tzinfo is UTC for date in dates[:2])


# Clients that fail.


async def test_a_client_that_leaves_frees_its_place(start_front: StartFront) -> None:
    """An abort before the answer ends the exchange and is not held against the upstream."""
    front, _ = await start_front([faults.hang_after_request])
    async with front.client() as client:
        client.send(GET)
        await front.until(lambda: front.count(Series.IN_FLIGHT, *BLUE) == 1)
        abort(client.writer.transport)
        await front.until(lambda: quiet(front))
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_CLIENT) == 1
    (line,) = await front.log(1)
    assert line["status"] == 499


async def test_a_body_that_stalls_is_the_clients_fault(start_front: StartFront) -> None:
    """408, and the upstream is not blamed."""
    front, _ = await start_front([faults.hang_after_request], door=DoorSpec(timeouts=Timeouts(stall=0.2)))
    async with front.client() as client:
        client.send(POST[:-2])
        assert (await client.head()).startswith(b"HTTP/1.1 408 ")
    assert front.count(Series.ENDED, *BLUE, Outcome.CUT_BY_CLIENT) == 1


async def test_a_slow_head_is_ended_by_its_deadline(start_front: StartFront) -> None:
    """The whole head has one deadline, however steadily its bytes trickle."""
    front, _ = await start_front([faults.answer], door=DoorSpec(timeouts=Timeouts(head=0.3)))
    async with front.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost")
        assert (await client.head()).startswith(b"HTTP/1.1 408 ")


async def test_an_idle_connection_is_closed_after_its_time(start_front: StartFront) -> None:
    """Idle clients see an orderly end."""
    front, _ = await start_front([faults.answer], door=DoorSpec(timeouts=Timeouts(idle=0.2)))
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
        assert await client.rest() == b""


async def test_a_body_over_the_limit_is_refused(start_front: StartFront) -> None:
    """By its announcement or while it comes; the client can read the answer."""
    front, _ = await start_front([faults.answer], door=DoorSpec(limits=Limits(max_body=3)))
    async with front.client() as client:
        client.send(POST)
        assert (await client.head()).startswith(b"HTTP/1.1 413 ")
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        assert (await client.head()).startswith(b"HTTP/1.1 413 ")
    assert quiet(front)


async def test_what_cannot_be_read_is_refused_and_closed(start_front: StartFront) -> None:
    """A broken request gets 400 and nothing after it is looked at."""
    front, (server,) = await start_front([faults.answer])
    async with front.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nBad header: x\r\n\r\n" + GET)
        answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert server.heads == []


async def test_the_access_log_tells_who_was_served_by_whom(start_front: StartFront) -> None:
    """One JSON line a request, with color, upstream and request id."""
    front, (server,) = await start_front([faults.answer])
    async with front.client() as client:
        client.send(GET)
        head, _ = await client.answer(5)
    (line,) = await front.log(1)
    assert (line["color"], line["upstream"], line["status"]) == ("blue", "{}:{}".format(*server.address), 200)
    assert str(line["request_id"]).encode() in head


async def test_a_new_table_is_served_from_the_very_next_request(start_front: StartFront) -> None:
    """The worker looks at the board before it routes, and shows that it has seen the generation."""
    front, (blue, green) = await start_front([faults.answer], [faults.answer])
    table = replace(
        SERVICE,
        blue=(entry(blue),),
        green=(entry(green),),
    )
    front.publish(table)
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
        assert (len(blue.heads), len(green.heads)) == (1, 0)
        front.publish(replace(table, split=10_000))
        client.send(GET)
        await client.answer(5)
    assert (len(blue.heads), len(green.heads)) == (1, 1)
    assert front.region.seen == 3
