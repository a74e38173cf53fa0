"""What a line of the access log says of a request, whichever way that went."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.traffic.audience import HoldRule
from tests.dataplane.conftest import GET, SERVICE, StartFront, entry
from tests.dataplane.test_parking import HELD, held, publish
from tests.dataplane.test_tunnel import UPGRADE, echo
from tests.harness import faults

SPANS = ("seconds", "queue", "connect", "first_byte", "held")


def spans(line: dict[str, object]) -> dict[str, float | None]:
    """The times of a line."""
    return {name: line[name] for name in SPANS}  # type: ignore[misc]


async def test_an_answered_request_is_told_with_times_and_bytes(start_front: StartFront) -> None:
    """The first one has to connect, the second finds a connection; both counts of bytes are those on the wire."""
    front, _ = await start_front([faults.answer])
    request = GET[:-2] + b"User-Agent: probe/1\r\nREFERER:  http://a/b \r\n\r\n"
    async with front.client() as client:
        sent = []
        for _ in range(2):
            client.send(request)
            head, body = await client.answer(5)
            sent.append(len(head + body))
    lines = await front.log(2)
    for line, size in zip(lines, sent, strict=True):
        assert (line["received"], line["sent"]) == (len(request), size)
        assert (line["user_agent"], line["referer"]) == ("probe/1", "http://a/b")
        assert (line["event"], line["protocol"], line["generation"]) == ("request", "HTTP/1.1", 1)
        assert (line["queue"], line["held"], line["preview"], line["operation"]) == (0, None, False, "")
        assert 0 <= line["first_byte"] <= line["seconds"]  # type: ignore[operator]
    assert lines[0]["connect"] > 0 == lines[1]["connect"]  # type: ignore[operator]


async def test_the_operation_is_the_one_at_the_time_of_admission(start_front: StartFront) -> None:
    """A request that began before the next table is told with the generation and operation of its own."""
    front, (server,) = await start_front([echo])
    service = replace(SERVICE, blue=(entry(server),))
    front.publish(replace(service, operation="op-7"))
    async with front.client() as client:
        client.send(UPGRADE)
        await client.head()
        front.publish(service)
        front.door.refresh()
        assert await client.reader.readexactly(5) == b"hello"
    (line,) = await front.log(1)
    assert (line["operation"], line["generation"], line["status"]) == ("op-7", 2, 101)


async def test_a_tunnel_is_told_with_its_bytes_and_how_it_ended(start_front: StartFront) -> None:
    """Bytes after the upgrade count on both sides."""
    front, _ = await start_front([echo])
    async with front.client() as client:
        client.send(UPGRADE)
        head = await client.head()
        client.send(b"x" * 995)
        await client.reader.readexactly(1000)
        client.writer.write_eof()
        await client.rest()
    (line,) = await front.log(1)
    assert (line["received"], line["sent"]) == (len(UPGRADE) + 995, len(head) + 1000)
    assert (line["status"], line["outcome"]) == (101, "finished")


async def test_a_held_request_is_told_with_how_long_it_waited(start_front: StartFront) -> None:
    """That is its time in the queue too, and a part of the whole."""
    front, servers = await start_front([faults.answer], service=HELD)
    async with front.client() as client:
        client.send(GET)
        await front.until(lambda: held(front) == 1)
        since = front.door.loop.time()
        await front.until(lambda: front.door.loop.time() > since + 0.005)
        publish(front, servers)
        await client.answer(5)
    (line,) = await front.log(1)
    assert 0.005 < line["held"] == line["queue"] <= line["seconds"]  # type: ignore[operator]


async def test_one_that_was_held_for_nothing_never_left_the_queue(start_front: StartFront) -> None:
    """It was held, and was given no place; one for which there was no room was not even held."""
    service = replace(SERVICE, hold=HoldRule(max_wait=0.01, max_requests=1))
    front, _ = await start_front([faults.answer], service=service)
    async with front.client() as client, front.client() as other:
        client.send(GET)
        await front.until(lambda: held(front) == 1)
        other.send(GET)
        await other.head()
        await client.head()
    full, late = await front.log(2)
    assert (full["outcome"], full["held"], full["queue"]) == ("hold_full", None, None)
    assert (late["outcome"], late["queue"]) == ("held_too_long", None)
    assert late["held"] >= 0.01  # type: ignore[operator]


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"GET /\x07 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"),
        (b"GET / HTTP/1.1\r\nHost: b\r\n\r\n", 404, "no_service"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431, "head_too_long"),
    ],
    ids=["bad", "nobody's", "large"],
)
async def test_what_was_given_to_no_color_has_its_line(
    start_front: StartFront, request_bytes: bytes, status: int, reason: str
) -> None:
    """With the bytes of both sides, and no times of things that never were."""
    front, _ = await start_front([faults.answer], service=replace(SERVICE, hosts=("a",)))
    async with front.client() as client:
        client.send(request_bytes)
        head = await client.head()
    (line,) = await front.log(1)
    assert (line["status"], line["outcome"], line["color"], line["generation"]) == (status, reason, "", 0)
    assert line["sent"] > len(head)  # type: ignore[operator]
    assert 0 < line["received"] <= len(request_bytes)  # type: ignore[operator]
    assert {name: value for name, value in spans(line).items() if name != "seconds"} == dict.fromkeys(SPANS[1:])


async def test_an_upstream_that_cannot_be_reached_never_connected(start_front: StartFront) -> None:
    """The answer is our own, with its bytes; there is no first byte of an upstream."""
    front, (server,) = await start_front([faults.answer])
    gone = entry(server)._replace(address="127.0.0.1:1")
    front.publish(replace(SERVICE, blue=(gone,)))
    async with front.client() as client:
        client.send(GET)
        head = await client.head()
    (line,) = await front.log(1)
    assert (line["status"], line["upstream"], line["generation"]) == (502, "127.0.0.1:1", 2)
    assert (line["queue"], line["connect"], line["first_byte"]) == (0, None, None)
    assert line["sent"] > len(head)  # type: ignore[operator]


async def test_hostile_values_stay_in_their_fields(start_front: StartFront) -> None:
    """Whatever bytes HTTP lets through, the line is one JSON object with those characters in it."""
    front, _ = await start_front([faults.answer])
    agent = bytes(range(0x80, 0x90)) + b'"\\\t{}'
    async with front.client() as client:
        client.send(b"GET /'?\\ HTTP/1.1\r\nHost: a\r\nUser-Agent: " + agent + b"\r\nReferer: \xc2\x9b\r\n\r\n")
        await client.answer(5)
    (line,) = await front.log(1)
    assert (line["target"], line["referer"], line["user_agent"]) == ("/'?\\", "\xc2\x9b", agent.decode("latin-1"))
