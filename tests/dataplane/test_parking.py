"""Requests that are held: parked within bounds, let go in order, and never left hanging."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from proxy.dataplane.lot import BATCH, TICKS, Waiting
from proxy.dataplane.room import Share
from proxy.dataplane.stopping import stop_gracefully
from proxy.dataplane.winding_up import wind_up
from proxy.shm.names import Series
from proxy.traffic.audience import HoldRule
from proxy.traffic.table import TableService
from tests.compiled import interpreted_only
from tests.dataplane.conftest import BLUE, GET, POST, SERVICE, Front, StartFront, entry, quiet
from tests.dataplane.test_tunnel import UPGRADE, echo
from tests.harness import faults
from tests.harness.faults import GOOD_BODY, Behaviour, FaultServer, Peer
from tests.harness.upstream import abort

SHOP = ("default",)
HOLD = HoldRule()
HELD = replace(SERVICE, hold=HOLD)
BRIEF = replace(SERVICE, hold=HoldRule(max_wait=0.05))


def held(front: Front) -> int:
    """How many requests are parked."""
    return front.count(Series.HELD, *SHOP)


def publish(front: Front, servers: list[FaultServer], service: TableService = SERVICE) -> None:
    """Serve by another table; without rules of its own it lets everybody go."""
    front.publish(replace(service, blue=tuple(map(entry, servers))))
    front.door.refresh()


def get(path: str) -> bytes:
    """A request that can be told from others."""
    return f"GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


async def serve(peer: Peer) -> None:
    """Good answers to any number of requests, once they are whole."""
    while head := await peer.head():
        if head.startswith(b"POST"):
            await peer.reader.readexactly(5)
        await peer.send(faults.GOOD_HEAD + GOOD_BODY)


class Stub(Waiting):
    """One that waits, and notes with whom it was let go."""

    def __init__(self, batches: list[int]) -> None:
        self.size = 1
        self._batches = batches

    def let_go(self) -> None:
        if not self._batches or self._batches[-1] == 0:
            asyncio.get_running_loop().call_soon(self._batches.append, 0)
            self._batches[-1:] = [0]
        self._batches[-1] += 1


def paths(server: FaultServer) -> list[str]:
    """What a server was asked for, in order."""
    return [head.split()[1].decode()[1:] for head in server.heads]


async def test_a_held_request_is_on_no_color_until_it_is_let_go(start_front: StartFront) -> None:
    """Nothing reaches an upstream or counts as in flight; then it is answered as if nothing had been."""
    front, servers = await start_front([faults.answer], service=HELD)
    async with front.client() as client:
        client.send(GET)
        await front.until(lambda: held(front) == 1)
        assert servers[0].connections == 0
        assert front.count(Series.ADMITTED, *BLUE) == front.count(Series.IN_FLIGHT, *BLUE) == 0
        publish(front, servers)
        head, body = await client.answer(5)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert body == GOOD_BODY
        assert held(front) == 0
        client.send(GET)
        await client.answer(5)
    assert front.count(Series.HELD_TOTAL, *SHOP) == 1
    assert front.count(Series.HELD_REFUSED, *SHOP) == 0
    assert quiet(front)


async def test_they_are_let_go_in_the_order_in_which_they_came(start_front: StartFront) -> None:
    """First come, first served, over all connections; who comes while others are let go stands behind them.

    Each is let go to the next of as many upstreams as there are requests, so it can be told afterwards who was when.
    """
    count = 3 * BATCH
    asked: dict[int, int] = {}

    def noting(upstream: int) -> Behaviour:
        async def note(peer: Peer) -> None:
            head = await peer.head()
            asked[upstream] = int(head.split()[1][1:])
            await peer.send(faults.GOOD_HEAD + GOOD_BODY)

        return note

    front, servers = await start_front(*([noting(upstream)] for upstream in range(count + 1)), service=HELD)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(front.client()) for _ in range(count + 1)]
        for number, client in enumerate(clients[:-1]):
            client.send(get(str(number)))
            await front.until(lambda number=number: held(front) == number + 1)  # type: ignore[misc]
        front.publish(replace(SERVICE, blue=tuple(map(entry, servers))))
        clients[-1].send(get(str(count)))  # it makes the worker look at the board, and finds the others before it
        for client in clients:
            assert (await client.head()).startswith(b"HTTP/1.1 200 ")
    in_turn = [asked[upstream] for upstream in range(count + 1)]
    first = in_turn.index(0)
    assert in_turn[first:] + in_turn[:first] == list(range(count + 1))
    assert front.count(Series.HELD_TOTAL, *SHOP) == count + 1


async def test_they_are_let_go_a_few_at_a_time(start_front: StartFront) -> None:
    """The upstreams are not met by all of them at one instant, and a table that holds again stops it at once."""
    front, servers = await start_front([faults.answer], service=HELD)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(front.client()) for _ in range(8 * BATCH)]
        for client in clients:
            client.send(GET)
        await front.until(lambda: held(front) == len(clients))
        publish(front, servers)
        await front.until(lambda: held(front) < len(clients))
        front.publish(replace(HELD, blue=tuple(map(entry, servers))))  # nobody looks but whoever lets them go
        left = held(front)
        assert left > 0
        assert left % BATCH == 0  # a busy machine looks late, and finds more than one batch gone
        await front.until(lambda: front.region.seen == front.generation)
        assert held(front) == left
        publish(front, servers)
        for client in clients:
            await client.answer(5)


@interpreted_only
async def test_however_many_wait_all_are_gone_after_so_many_batches(start_front: StartFront) -> None:
    """A batch is as large as it has to be for that."""
    front, _ = await start_front([faults.answer])
    service = front.door.routing.router.match(b"a", b"/")
    assert service is not None
    lot = front.door.lot_of(service, HOLD)
    batches: list[int] = []
    for _ in range((2 * BATCH + 1) * TICKS - 1):
        lot.enter(Stub(batches))
    lot.look(None)
    await front.until(lambda: not lot.busy)
    assert [size for size in batches if size] == [2 * BATCH + 1] * (TICKS - 1) + [2 * BATCH]


async def test_beyond_so_many_requests_they_are_answered(start_front: StartFront) -> None:
    """A 503 of our own that says when to come again, with a reason in log and metrics; the connection goes on."""
    service = replace(SERVICE, hold=replace(HOLD, max_requests=3))
    front, servers = await start_front([faults.answer], service=service, share=Share(1, 2))
    async with front.client() as first, front.client() as second:
        first.send(GET)
        await front.until(lambda: held(front) == 1)
        second.send(GET)
        head = await second.head()
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in head
        assert b"Connection: close" not in head
        assert front.count(Series.REJECTED, "hold_full") == 1
        assert front.count(Series.HELD_TOTAL, *SHOP) == 2
        assert front.count(Series.HELD_REFUSED, *SHOP) == 1
        assert (await front.log(1))[0]["outcome"] == "hold_full"
        publish(front, servers)
        await first.answer(5)


async def test_beyond_so_many_bytes_they_are_answered(start_front: StartFront) -> None:
    """Heads count, and what has come of bodies; what is parked already stays."""
    service = replace(SERVICE, hold=replace(HOLD, max_bytes=2 * len(POST) - 1))
    front, servers = await start_front([serve], service=service)
    async with front.client() as first, front.client() as second:
        first.send(POST)
        await front.until(lambda: held(front) == 1)
        second.send(POST)
        assert (await second.head()).startswith(b"HTTP/1.1 503 ")
        publish(front, servers)
        await first.answer(5)


async def test_a_request_is_held_for_so_long_at_most(start_front: StartFront) -> None:
    """Then it is answered, with a reason of its own, and its place is free."""
    front, servers = await start_front([faults.answer], service=BRIEF)
    async with front.client() as client:
        client.send(GET)
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in head
        assert held(front) == 0
        assert front.count(Series.REJECTED, "held_too_long") == 1
        assert front.count(Series.HELD_REFUSED, *SHOP) == 1
        assert (await front.log(1))[0]["outcome"] == "held_too_long"
        publish(front, servers)
        await client.reader.readuntil(b"\n")
        await client.reader.readuntil(b"request id: ")
        await client.reader.readline()
        client.send(GET)
        await client.answer(5)


@pytest.mark.parametrize("leave", ["reset", "reset amid a body"])
async def test_a_client_that_goes_leaves_its_place(start_front: StartFront, leave: str) -> None:
    """Its request reaches no upstream; that is noticed, too, where no more of its body is read."""
    front, servers = await start_front([faults.answer], service=HELD)
    async with front.client() as client:
        client.send(GET if leave == "reset" else POST[:-1])
        await front.until(lambda: held(front) == 1)
        abort(client.writer.transport)
        await front.until(lambda: held(front) == 0)
    publish(front, servers)
    assert (await front.log(1))[0]["outcome"] == "client_gone"
    assert servers[0].connections == 0


async def test_a_client_that_closed_its_side_has_its_answer(start_front: StartFront) -> None:
    """It has sent its last request, and still reads."""
    front, servers = await start_front([faults.answer], service=HELD)
    async with front.client() as client:
        client.send(GET)
        client.writer.write_eof()
        await front.until(lambda: held(front) == 1)
        publish(front, servers)
        assert (await client.rest()).endswith(GOOD_BODY)


async def test_a_body_that_ends_too_early_is_told_once_it_is_read(start_front: StartFront) -> None:
    """The client has closed its side amid the body: nobody waits for the rest."""
    front, servers = await start_front([faults.hang_after_request], service=HELD)
    async with front.client() as client:
        client.send(POST[:-1])
        client.writer.write_eof()
        await front.until(lambda: held(front) == 1)
        publish(front, servers)
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
    assert quiet(front)


async def test_a_body_waits_with_its_client(start_front: StartFront) -> None:
    """No more of it is read than came with the head, however much there is; later it arrives whole."""
    bodies: list[bytes] = []

    async def take(peer: Peer) -> None:
        await peer.head()
        bodies.append(await peer.reader.readexactly(4_000_000))
        await peer.send(faults.GOOD_HEAD + GOOD_BODY)

    front, servers = await start_front([take], service=HELD)
    body = bytes(range(250)) * 16_000
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n" + body[:10])
        await front.until(lambda: held(front) == 1)
        client.send(body[10:])
        (connection,) = front.door.connections
        assert connection.stream._paused
        publish(front, servers)
        await client.answer(5)
    assert bodies == [body]


async def test_a_chunked_body_is_passed_on_whole(start_front: StartFront) -> None:
    """What came of it while it was parked, and what comes later."""
    seen: list[bytes] = []

    async def take(peer: Peer) -> None:
        await peer.head()
        seen.append(await peer.reader.readuntil(b"0\r\n\r\n"))
        await peer.send(faults.GOOD_HEAD + GOOD_BODY)

    front, servers = await start_front([take], service=HELD)
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await front.until(lambda: held(front) == 1)
        publish(front, servers)
        client.send(b"2\r\nde\r\n0\r\n\r\n")
        await client.answer(5)
    assert b"abc" in seen[0]
    assert b"de" in seen[0]


async def test_a_broken_body_is_refused_and_not_parked(start_front: StartFront) -> None:
    """What can be known at once is told at once."""
    front, _ = await start_front([faults.answer], service=HELD)
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
        assert (await client.head()).startswith(b"HTTP/1.1 400 ")
    assert held(front) == 0


async def test_pipelined_requests_wait_behind_the_first(start_front: StartFront) -> None:
    """Only one of a connection is parked; the others are bytes, and all are answered in order."""
    front, servers = await start_front([faults.answer], service=HELD)
    async with front.client() as client:
        client.send(get("a") + get("b"))
        await front.until(lambda: held(front) == 1)
        client.send(get("c"))
        publish(front, servers)
        for _ in range(3):
            assert (await client.answer(5))[1] == GOOD_BODY
    assert paths(servers[0]) == ["a", "b", "c"]
    assert front.count(Series.HELD_TOTAL, *SHOP) == 1


async def test_one_that_was_held_too_long_makes_room_for_the_next_of_its_connection(start_front: StartFront) -> None:
    """A pipelined request comes to its own wait after the answer to the one before."""
    front, _ = await start_front([faults.answer], service=BRIEF)
    async with front.client() as client:
        client.send(GET * 2)
        client.writer.write_eof()
        assert (await client.rest()).count(b"HTTP/1.1 503 ") == 2
    assert front.count(Series.HELD_REFUSED, *SHOP) == 2


async def test_an_old_client_waits_too(start_front: StartFront) -> None:
    """HTTP/1.0: one request, and the close is the end of its answer."""
    front, servers = await start_front([faults.answer], service=HELD)
    async with front.client() as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        await front.until(lambda: held(front) == 1)
        publish(front, servers)
        assert (await client.rest()).endswith(GOOD_BODY)


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked_later(start_front: StartFront) -> None:
    """While it is held it is told nothing, so it keeps its body; 100 comes from the upstream."""

    async def ask(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await peer.reader.readexactly(5) == b"hello"
        await peer.send(faults.GOOD_HEAD + GOOD_BODY)

    front, servers = await start_front([ask], service=HELD)
    async with front.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        await front.until(lambda: held(front) == 1)
        publish(front, servers)
        assert (await client.head()).startswith(b"HTTP/1.1 100 ")
        client.send(b"hello")
        assert (await client.answer(5))[1] == GOOD_BODY


async def test_an_upgrade_waits_with_what_was_sent_ahead(start_front: StartFront) -> None:
    """It becomes a tunnel afterwards, and nothing is lost."""
    front, servers = await start_front([echo], service=HELD)
    async with front.client() as client:
        client.send(UPGRADE + b"early")
        await front.until(lambda: held(front) == 1)
        publish(front, servers)
        await client.head()
        assert await client.reader.readexactly(10) == b"helloearly"


async def test_only_unsafe_methods_are_held_where_that_is_asked_for(start_front: StartFront) -> None:
    """What only looks is served as ever (RFC 9110 9.2.1)."""
    service = replace(SERVICE, hold=replace(HOLD, unsafe_only=True))
    front, servers = await start_front([serve], service=service)
    async with AsyncExitStack() as stack:
        for method in ("GET", "OPTIONS"):
            reader = await stack.enter_async_context(front.client())
            reader.send(GET.replace(b"GET", method.encode()))
            await reader.answer(5)
        writer = await stack.enter_async_context(front.client())
        writer.send(POST)
        await front.until(lambda: held(front) == 1)
        publish(front, servers)
        await writer.answer(5)
    assert front.count(Series.HELD_TOTAL, *SHOP) == 1


async def test_other_services_are_served(start_front: StartFront) -> None:
    """A hold is of one service."""
    front, servers = await start_front([faults.answer], service=replace(HELD, paths=("/held",)))
    blue = tuple(map(entry, servers))
    front.publish(replace(HELD, blue=blue, paths=("/held",)), replace(SERVICE, name="other", blue=blue))
    async with front.client() as client:
        client.send(get("x"))
        await client.answer(5)


async def test_a_stopping_worker_answers_those_it_holds(start_front: StartFront) -> None:
    """Nobody would ever let them go; who comes later is told the same."""
    front, _ = await start_front([faults.answer], service=HELD)
    async with front.client() as first, front.client() as second:
        first.send(GET)
        await front.until(lambda: held(front) == 1)
        second.send(GET[:-2])
        await front.until(lambda: front.count(Series.OPEN_CONNECTIONS) == 2)
        stop = asyncio.create_task(stop_gracefully(front.door, front.listening, 5.0))
        answer = await first.rest()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After" in answer
        second.send(b"\r\n")
        assert (await second.rest()).startswith(b"HTTP/1.1 503 ")
    assert await stop == 0
    assert [line["outcome"] for line in await front.log(2)] == ["shutdown"] * 2


async def test_a_stopping_worker_serves_those_whom_it_lets_go(start_front: StartFront) -> None:
    """And who comes meanwhile, for nothing holds them: nobody is turned away because of others who still wait."""
    front, servers = await start_front([serve], service=HELD)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(front.client()) for _ in range(2 * BATCH)]
        for client in clients:
            client.send(GET + GET)
        await front.until(lambda: held(front) == len(clients))
        publish(front, servers)
        stopping = asyncio.create_task(stop_gracefully(front.door, front.listening, 5.0))
        for client in clients:
            assert (await client.rest()).count(b"HTTP/1.1 200 ") == 2
        assert await stopping == 0


async def test_without_a_supervisor_an_exclusive_hold_is_over(start_front: StartFront) -> None:
    """Nobody could end the switch that it is for; a hold that an operator asked for goes on."""
    front, servers = await start_front([faults.answer], service=replace(SERVICE, hold=replace(HOLD, exclusive=True)))
    async with front.client() as client:
        client.send(GET)
        await front.until(lambda: held(front) == 1)
        front.door.orphaned = True
        front.door.look_at_lots()
        await client.answer(5)
        publish(front, servers, HELD)
        client.send(GET)
        await front.until(lambda: held(front) == 1)


async def test_a_service_that_is_taken_out_lets_nobody_wait(start_front: StartFront) -> None:
    """Its requests are routed by the table that there is when they are let go."""
    front, servers = await start_front([faults.answer], service=HELD)
    async with front.client() as client, front.client() as lost:
        client.send(get("other"))
        lost.send(get("gone"))
        await front.until(lambda: held(front) == 2)
        publish(front, servers, replace(SERVICE, name="other", paths=("/other",)))
        await client.answer(5)
        assert (await lost.head()).startswith(b"HTTP/1.1 503 ")
    assert front.count(Series.ADMITTED, "other", "blue") == 1


async def test_a_service_that_is_back_is_held_again(start_front: StartFront) -> None:
    """By its new rule, though its name had been held before it was taken out."""
    front, servers = await start_front([serve], service=HELD)
    async with front.client() as client:
        client.send(GET)
        await front.until(lambda: held(front) == 1)
        publish(front, servers)
        await client.answer(5)
        publish(front, servers, replace(SERVICE, name="other"))
        publish(front, servers, BRIEF)
        client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 503 ")
    assert front.count(Series.ADMITTED, *BLUE) == 1


async def test_a_drain_passes_by_those_who_wait(start_front: StartFront) -> None:
    """They are on no color, so no deadline of a color concerns them."""
    front, servers = await start_front([faults.answer], service=HELD)
    async with front.client() as client:
        client.send(GET)
        await front.until(lambda: held(front) == 1)
        wind_up(front.door, lambda lease: True, 0.0)
        await asyncio.sleep(0)
        publish(front, servers)
        await client.answer(5)
