"""One request and its answer through a worker's data plane, with real sockets on both sides."""

from __future__ import annotations

import asyncio
from dataclasses import replace

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
        await peer.head()
        seen.append(await peer.reader.readexactly(5))
        await peer.send(faults.GOOD_HEAD + GOOD_BODY)
        await peer.head()
        seen.append(await peer.reader.readuntil(b"0\r\n\r\n"))
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


async def test_an_early_answer_to_an_upload_arrives_and_ends_the_connection(start_front: StartFront) -> None:
    """The client reads the refusal, although it was still sending, and is not reset."""
    front, _ = await start_front([faults.early_answer])
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 200_000)
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 413 ")
        assert b"Connection: close" in head
        client.send(b"x" * 200_000)
        assert await client.rest() == b""


# Upstreams that fail.


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (faults.close_before_head, b"502"),
        (faults.reset_before_head, b"502"),
        (faults.reset_in_head, b"502"),
        (faults.garbage, b"502"),
        (faults.hang_after_request, b"504"),
    ],
)
async def test_a_failing_upstream_becomes_a_clean_answer_with_a_request_id(
    start_front: StartFront, behaviour: Behaviour, status: bytes
) -> None:
    """Nothing was sent to the client yet, so it is told plainly, and its connection lives on."""
    front, _ = await start_front([behaviour], door=DoorSpec(timeouts=Timeouts(response=0.2)))
    async with front.client() as client:
        client.send(GET)
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 " + status)
        assert b"X-Request-Id: " in head
    assert quiet(front)


@pytest.mark.parametrize("behaviour", [faults.reset_in_body, faults.truncate, faults.truncate_chunks])
async def test_an_answer_cut_short_is_seen_to_be_cut_short(start_front: StartFront, behaviour: Behaviour) -> None:
    """The client never gets a well-formed end of a body that was not whole."""
    front, _ = await start_front([behaviour])
    async with front.client() as client:
        client.send(GET)
        await client.head()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.reader.readuntil(b"0\r\n\r\n")
    assert front.count(Series.ENDED, *BLUE, Outcome.FAILED) == 1


async def test_a_get_is_tried_on_another_upstream(start_front: StartFront) -> None:
    """One upstream that resets costs the client nothing, and is counted."""
    front, (bad, good) = await start_front([faults.reset_before_head], [faults.answer])
    async with front.client() as client:
        for _ in range(4):
            client.send(GET)
            await client.answer(5)
    assert len(good.heads) == 4
    assert bad.heads
    assert front.count(Series.RETRIES, *BLUE, "reset") == len(bad.heads)


async def test_a_post_is_not_sent_twice_once_it_was_sent(start_front: StartFront) -> None:
    """What may have had an effect is not repeated (RFC 9110 section 9.2.2)."""
    front, servers = await start_front([faults.reset_before_head], [faults.reset_before_head])
    async with front.client() as client:
        client.send(POST)
        assert (await client.head()).startswith(b"HTTP/1.1 502 ")
    assert sum(len(server.heads) for server in servers) == 1


async def test_a_refused_connection_is_retried_whatever_the_method(start_front: StartFront) -> None:
    """Nothing was sent, so even a POST may go elsewhere."""
    front, (_, dead) = await start_front([faults.answer], [faults.answer])
    dead_address = "{}:{}".format(*dead.address)
    dead._server.close()  # type: ignore[union-attr]
    async with front.client() as client:
        for _ in range(4):
            client.send(GET)
            await client.answer(5)
    assert front.count(Series.UPSTREAM_FAILURES, *BLUE, dead_address, "connect_refused") > 0
    assert quiet(front)


@pytest.mark.parametrize("behaviour", [faults.close_when_reused, faults.reset_when_reused])
async def test_the_stale_keep_alive_race_does_not_reach_the_client(
    start_front: StartFront, behaviour: Behaviour
) -> None:
    """An upstream that closes a kept connection as it is used again is asked anew, on a fresh connection."""
    front, _ = await start_front([behaviour])
    async with front.client() as client:
        for _ in range(6):
            client.send(GET)
            head, _ = await client.answer(5)
            assert head.startswith(b"HTTP/1.1 200 ")
    assert front.count(Series.RETRIES, *BLUE, "stale_connection") == 5


async def test_an_upstream_that_fails_in_a_row_is_reported(start_front: StartFront) -> None:
    """After consecutive_errors failures the supervisor hears of it, once."""
    front, (bad,) = await start_front([faults.reset_before_head])
    async with front.client() as client:
        for _ in range(5):
            client.send(GET)
            await client.head()
            await client.reader.readuntil(b"request id: ")
            await client.reader.readline()
    assert front.suspects == [("{}:{}".format(*bad.address), "reset")]


async def test_bytes_after_an_answer_never_meet_another_request(start_front: StartFront) -> None:
    """A second answer that nobody asked for is thrown away with its connection."""
    front, (server,) = await start_front([faults.surplus])
    async with front.client() as client:
        for _ in range(3):
            client.send(GET)
            await client.answer(5)
    assert server.connections == 3


async def test_a_pool_without_upstreams_answers_503_with_retry_after(start_front: StartFront) -> None:
    """Where nobody can answer, the client is told at once and told when to come back."""
    front, _ = await start_front()
    async with front.client() as client:
        client.send(GET)
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: " in head
    assert front.count(Series.REJECTED, "no_upstream") == 1


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
