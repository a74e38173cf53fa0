"""Everything that an upstream can do wrong: what its client sees, who is asked next, what is counted, what is kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from proxy.shm.names import Outcome, Series
from proxy.traffic.spec import DoorSpec, RetryRule, Timeouts
from proxy.traffic.table import TableUpstream
from tests.dataplane.conftest import BLUE, GET, POST, SERVICE, Client, StartFront, entry, quiet
from tests.harness import faults
from tests.harness.faults import GOOD_BODY, GOOD_HEAD, Behaviour, FaultServer, Peer

OK = b"HTTP/1.1 200 OK\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
IMPATIENT = DoorSpec(timeouts=Timeouts(response=0.3, stall=0.3, connect=0.3))
PATIENT = DoorSpec(timeouts=Timeouts(response=100.0, stall=100.0, connect=100.0))


@dataclass(frozen=True)
class Case:
    """A fault, and all that follows from it."""

    name: str
    plays: Behaviour
    reason: str
    """The label under which it is counted."""
    status: int | None = 502
    """What a client of this upstream alone is told; ``None`` where its answer has begun and is shown to be cut."""
    tried_elsewhere: bool = False
    """Whether another upstream may answer in its place."""
    door: DoorSpec = PATIENT
    """Patient wherever the fault has to be noticed by itself."""


def _says(name: str, answer: bytes) -> Case:
    return Case(name, faults.raw(answer), "bad_response")


CASES = [
    # Nothing of an answer has come: a request that may be repeated is repeated.
    Case("end before the head", faults.close_before_head, "reset", tried_elsewhere=True),
    Case("reset before the head", faults.reset_before_head, "reset", tried_elsewhere=True),
    Case("accepts and hangs", faults.hang, "response_timeout", 504, tried_elsewhere=True, door=IMPATIENT),
    Case("reads and hangs", faults.hang_after_request, "response_timeout", 504, tried_elsewhere=True, door=IMPATIENT),
    # Something has: the upstream is at work on it.
    Case("end in the head", faults.cut_off(GOOD_HEAD[:20], reset=False), "truncated"),
    Case("reset in the head", faults.reset_in_head, "truncated"),
    Case("end after an interim head", faults.cut_off(b"HTTP/1.1 103 Early\r\n\r\n", reset=False), "truncated"),
    Case("head in drops", faults.slow_head(0.05), "response_timeout", 504, door=IMPATIENT),
    # No answer of HTTP: refused as soon as it shows.
    Case("endless head", faults.endless_head, "bad_response"),
    Case("garbage", faults.garbage, "bad_response"),
    _says("another protocol", b"220 smtp.example ESMTP\r\n"),
    _says("HTTP/0.9", b"<html>hello"),
    _says("HTTP/2", b"HTTP/2.0 200 OK\r\n"),
    _says("half a bad status", b"HTTP/1.1 2x"),
    _says("bare LF", b"HTTP/1.1 200 OK\nContent-Length: 5\n\nfine\n"),
    _says("bare CR", OK + b"A: b\rC: d\r\n"),
    _says("NUL", OK + b"A: b\0"),
    _says("folded field", OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n"),
    _says("status 999", b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"),
    _says("both framings", OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    _says("two lengths", OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nfine\n"),
    _says("equal lengths", OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nfine\n"),
    _says("bad length", OK + b"Content-Length: +5\r\n\r\nfine\n"),
    _says("coding unknown", OK + b"Transfer-Encoding: gzip\r\n\r\n"),
    _says("chunks in HTTP/1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    _says("17 interim heads", b"HTTP/1.1 102 Processing\r\n\r\n" * 17 + GOOD_HEAD + GOOD_BODY),
    _says("unasked 101", b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
    _says("bad chunk with its head", OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    # The answer has begun: the client is shown that it is cut.
    Case("end after the head", faults.cut_off(GOOD_HEAD, reset=False), "truncated", None),
    Case("reset after the head", faults.cut_off(GOOD_HEAD, reset=True), "truncated", None),
    Case("end in the body", faults.truncate, "truncated", None),
    Case("reset in the body", faults.reset_in_body, "truncated", None),
    Case("end without a last chunk", faults.truncate_chunks, "truncated", None),
    Case("reset of a body until the end", faults.cut_off(OK + b"\r\nhello", reset=True), "truncated", None),
    Case("stall in the body", faults.raw(GOOD_HEAD + b"fi"), "stall", None, door=IMPATIENT),
]


async def until_the_end(client: Client) -> tuple[bytes, bool]:
    """All that still comes to the client, and whether a reset ended it."""
    got = b""
    try:
        while data := await client.reader.read(65536):
            got += data
    except ConnectionResetError:
        return got, True
    return got, False


async def own_answer(client: Client, status: int) -> bytes:
    """The head of the next answer that is no interim one, which has to be a whole one of the front door's own."""
    while (head := await client.head()).startswith(b"HTTP/1.1 1"):
        pass
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    assert fields[b"X-Request-Id"].startswith(b"test")
    assert head.count(b"\r\nDate: ") == 1
    body = await client.reader.readexactly(int(fields[b"Content-Length"]))
    assert fields[b"X-Request-Id"] in body
    return head


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_fault_is_told_plainly_or_shown_as_a_cut(start_front: StartFront, case: Case) -> None:
    """502 or 504 with a request id, and the client's connection lives on; or a reset; and the upstream is blamed."""
    front, (bad,) = await start_front([case.plays], door=case.door)
    async with front.client() as client:
        if case.status is None:
            client.send(GET)
            got, was_reset = await until_the_end(client)
            assert was_reset
            assert not got.endswith(b"0\r\n\r\n")
        else:
            for _ in range(2):
                client.send(GET)
                await own_answer(client, case.status)
    times = 1 if case.status is None else 2
    assert front.count(Series.UPSTREAM_FAILURES, *BLUE, address(bad), case.reason) == times
    assert front.count(Series.ENDED, *BLUE, Outcome.FAILED) == times
    assert front.count(Series.REJECTED, case.reason) == (0 if case.status is None else times)
    assert quiet(front)
    await front.until(lambda: bad.open == 0)  # no connection is kept after a fault


def address(server: FaultServer) -> str:
    """As labels have it."""
    return "{}:{}".format(*server.address)


@pytest.mark.parametrize("case", [case for case in CASES if case.status], ids=lambda case: case.name)
async def test_only_what_cannot_do_harm_is_tried_elsewhere(start_front: StartFront, case: Case) -> None:
    """A GET of which nothing came back is. A POST that was sent is not, and reaches one upstream once."""
    assert case.status is not None
    front, (bad, good) = await start_front([case.plays], [faults.answer], door=case.door)
    statuses = []
    for request in (GET, GET, POST, POST):
        async with front.client() as client:
            client.send(request)
            while (head := await client.head()).startswith(b"HTTP/1.1 1"):
                pass
            statuses.append(int(head.split()[1]))
    assert sorted(statuses[:2]) == [200, 200 if case.tried_elsewhere else case.status]
    assert sorted(statuses[2:]) == [200, case.status]
    assert front.count(Series.RETRIES, *BLUE, case.reason) == (1 if case.tried_elsewhere else 0)
    posts = [head for server in (bad, good) for head in server.heads if head.startswith(b"POST")]
    assert len(posts) == (1 if case.plays is faults.hang else 2)  # the one that hangs does not note what it gets


# No connection: nothing was sent, so every request may go elsewhere.


@asynccontextmanager
async def closed() -> AsyncIterator[str]:
    """An address at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield "{}:{}".format(*bound.getsockname())


@asynccontextmanager
async def unroutable() -> AsyncIterator[str]:
    """An address to which no connection can lead."""
    yield "255.255.255.255:80"


@asynccontextmanager
async def deaf() -> AsyncIterator[str]:
    """A listener whose queue is full: connecting neither succeeds nor fails."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield "{}:{}".format(*listener.getsockname())
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize("request_bytes", [GET, POST], ids=["GET", "POST"])
@pytest.mark.parametrize(
    ("upstream", "reason", "status"),
    [(closed, "connect_refused", 502), (unroutable, "connect_error", 502), (deaf, "connect_timeout", 504)],
)
async def test_where_no_connection_is_made_any_request_is_tried_elsewhere(
    start_front: StartFront, upstream: object, reason: str, status: int, request_bytes: bytes
) -> None:
    """With nobody else there it is 502 or 504."""
    assert callable(upstream)
    async with upstream() as nowhere:
        front, (good,) = await start_front([faults.answer], door=IMPATIENT)
        lonely = replace(SERVICE, blue=(TableUpstream(nowhere, 1),))
        front.publish(lonely)
        async with front.client() as client:
            client.send(request_bytes)
            await own_answer(client, status)
            front.publish(replace(lonely, blue=(TableUpstream(nowhere, 1), entry(good))))
            for _ in range(2):
                client.send(request_bytes)
                await client.answer(5)
    assert len(good.heads) == 2
    assert front.count(Series.RETRIES, *BLUE, reason) == 1
    assert front.count(Series.UPSTREAM_FAILURES, *BLUE, nowhere, reason) == 2


@contextlib.contextmanager
def no_descriptors() -> Iterator[None]:
    """This process has all the descriptors that it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 1, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(taken[0]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)


async def test_a_lack_of_our_own_is_503_and_nobodys_fault(start_front: StartFront) -> None:
    """Without a free descriptor no upstream is asked, and none is blamed; one with an idle connection may answer."""
    front, (one, other) = await start_front([faults.answer], [faults.answer])
    timer = front.listening._timer  # it looks now and then, and amid the lack it would have idle connections closed
    assert timer is not None
    timer.cancel()
    async with front.client() as client:
        front.publish(replace(SERVICE, blue=(entry(one),)))
        with no_descriptors():
            client.send(GET)
            assert b"Retry-After: " in await own_answer(client, 503)
        client.send(GET)
        await client.answer(5)
        front.publish(replace(SERVICE, blue=(entry(other), entry(one))))
        with no_descriptors():
            for _ in range(2):
                client.send(GET)
                await client.answer(5)
    assert front.count(Series.REJECTED, "local_resources") == 1
    assert front.count(Series.RETRIES, *BLUE, "local_resources") == 1
    assert front.count(Series.UPSTREAM_FAILURES, *BLUE, address(one), "local_resources") == 0
    assert quiet(front)


async def test_nobody_at_all_is_503_at_once(start_front: StartFront) -> None:
    """And the client is told when to come back."""
    front, _ = await start_front()
    async with front.client() as client:
        client.send(GET)
        assert b"Retry-After: " in await own_answer(client, 503)
    assert front.count(Series.REJECTED, "no_upstream") == 1


async def test_an_upstream_that_fails_in_a_row_is_reported(start_front: StartFront) -> None:
    """After consecutive_errors failures the supervisor hears of it, once."""
    front, (bad,) = await start_front([faults.reset_before_head])
    async with front.client() as client:
        for _ in range(5):
            client.send(GET)
            await own_answer(client, 502)
    assert front.suspects == [(address(bad), "reset")]


# Bytes that nobody asked for (response queue poisoning).


@pytest.mark.parametrize(
    ("request_bytes", "plays", "size"),
    [
        (GET, faults.surplus, 5),
        (GET, faults.raw(OK + b"Content-Length: 0\r\n\r\nhello"), 0),
        (GET, faults.raw(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nhello"), 5),
        (GET, faults.raw(b"HTTP/1.1 204 No Content\r\n\r\nhello"), 0),
        (GET, faults.raw(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"), 0),
        (HEAD, faults.raw(GOOD_HEAD + GOOD_BODY), 0),
        (HEAD, faults.raw(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 0),
    ],
    ids=["second answer", "body of 0", "behind the last chunk", "204", "304", "HEAD", "HEAD in chunks"],
)
async def test_what_is_beyond_an_answer_goes_nowhere(
    start_front: StartFront, request_bytes: bytes, plays: Behaviour, size: int
) -> None:
    """The answer is whole, the rest and its connection are dropped and counted, and nobody is blamed for a request."""
    front, (server,) = await start_front([plays])
    async with front.client() as client:
        for _ in range(3):
            client.send(request_bytes)
            head, body = await client.answer(size)
            assert head.startswith((b"HTTP/1.1 2", b"HTTP/1.1 3"))
            assert len(body) == size
    assert server.connections == 3
    assert front.count(Series.UPSTREAM_FAILURES, *BLUE, address(server), "surplus") == 3
    assert front.count(Series.ENDED, *BLUE, Outcome.FINISHED) == 3


async def test_a_late_surplus_ends_its_idle_connection(start_front: StartFront) -> None:
    """What comes between two requests belongs to neither."""
    go_on = asyncio.Event()

    async def late(peer: Peer) -> None:
        await peer.head()
        await peer.send(GOOD_HEAD + GOOD_BODY)
        await go_on.wait()
        await peer.send(OK + b"Content-Length: 6\r\n\r\npoison")
        await peer.reader.read()

    front, (server,) = await start_front([late, faults.answer])
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
        go_on.set()
        await front.until(lambda: server.open == 0)
        client.send(GET)
        assert (await client.answer(5))[1] == GOOD_BODY
    assert front.count(Series.UPSTREAM_FAILURES, *BLUE, address(server), "surplus") == 1


async def test_an_upstream_that_speaks_first_is_not_listened_to(start_front: StartFront) -> None:
    """Bytes from before the request are no answer to it, though they look like one."""
    front, (server,) = await start_front([faults.greet])
    (upstream,) = front.door.routing.upstreams()
    with contextlib.suppress(ConnectionResetError):  # if it was quick enough to be heard before the connection served
        connection = await upstream.idle.connect(front.door.poller, 5.0)
        await front.until(lambda: connection.lost)
    assert front.count(Series.UPSTREAM_FAILURES, *BLUE, address(server), "surplus") == 1


# Kept connections that were about to be closed.


@pytest.mark.parametrize("behaviour", [faults.close_when_reused, faults.reset_when_reused])
async def test_the_stale_keep_alive_race_does_not_reach_the_client(
    start_front: StartFront, behaviour: Behaviour
) -> None:
    """An upstream that closes a kept connection as it is used again is asked anew, on a fresh connection."""
    front, (server,) = await start_front([behaviour], service=replace(SERVICE, retry=RetryRule(attempts=1)))
    async with front.client() as client:
        for _ in range(6):
            client.send(GET)
            head, _ = await client.answer(5)
            assert head.startswith(b"HTTP/1.1 200 ")
    assert front.count(Series.RETRIES, *BLUE, "stale_connection") == 5
    assert server.connections == 6
    assert front.count(Series.UPSTREAM_FAILURES, *BLUE, address(server), "reset") == 0


@pytest.mark.parametrize("behaviour", [faults.close_when_reused, faults.reset_when_reused])
async def test_a_post_on_a_connection_that_closes_is_not_repeated(
    start_front: StartFront, behaviour: Behaviour
) -> None:
    """It may have been done: at the worst the client gets 502, and never is it done twice."""
    front, (server,) = await start_front([behaviour])
    statuses = []
    for _ in range(8):
        async with front.client() as client:
            client.send(POST)
            statuses.append((await client.head()).split()[1])
    assert len(server.heads) == 8
    assert set(statuses) <= {b"200", b"502"}
    assert front.count(Series.RETRIES, *BLUE, "stale_connection") == 0


# The budget of retries.


async def test_retries_stay_in_their_color(start_front: StartFront) -> None:
    """A color that fails does not lean on the other one: who is to be judged shall be seen."""
    front, (bad, good) = await start_front([faults.reset_before_head], [faults.answer])
    front.publish(replace(SERVICE, blue=(entry(bad),), green=(entry(good),)))
    async with front.client() as client:
        client.send(GET)
        await own_answer(client, 502)
    assert good.heads == []


async def test_what_the_judge_counts_of_a_color(start_front: StartFront) -> None:
    """Each attempt that an upstream let down is a failure of its color, each 5xx that a client got an error of it."""
    front, (bad, _) = await start_front([faults.close_before_head], [faults.answer])
    async with front.client() as client:
        for _ in range(2):
            client.send(GET)
            assert (await client.answer(5))[0].startswith(b"HTTP/1.1 200")
        retried = len(bad.heads)
        assert (front.count(Series.FAILURES, *BLUE), front.count(Series.ERRORS, *BLUE)) == (retried, 0)
        front.publish(replace(SERVICE, blue=(entry(bad),)))
        client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 502")
    assert retried > 0
    assert front.count(Series.FAILURES, *BLUE) == retried + 1
    assert front.count(Series.ERRORS, *BLUE) == 1
