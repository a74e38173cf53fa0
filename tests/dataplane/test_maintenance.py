"""Maintenance: users get a page, testers get through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.shm.names import Series
from proxy.traffic.audience import HoldRule, PreviewRule
from tests.dataplane.conftest import GET, SERVICE, StartFront, entry, quiet
from tests.harness import faults
from tests.harness.faults import GOOD_BODY

CLOSED = replace(SERVICE, maintenance="Until <six> o'clock: grün")
GUARDED = replace(CLOSED, preview=PreviewRule(green_host="green.example", token="secret"))


def asking(*lines: str, host: str = "a") -> bytes:
    """A request with these lines in its head."""
    return "\r\n".join(["GET / HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


async def test_users_get_a_page_with_the_message(start_front: StartFront) -> None:
    """With 503 and when to come again; what the message holds cannot break the page. The connection goes on."""
    front, servers = await start_front([faults.answer], service=CLOSED)
    async with front.client() as client:
        client.send(asking("Accept: text/html,*/*;q=0.8"))
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 30\r\n" in head
        assert b"Content-Type: text/html; charset=utf-8\r\n" in head
        page = (await client.reader.readuntil(b"</html>\n")).decode()
        assert "Until &lt;six&gt; o&#x27;clock: grün" in page
        assert f"Content-Length: {len(page.encode())}\r\n".encode() in head
        front.publish(replace(SERVICE, blue=tuple(map(entry, servers))))
        client.send(GET)
        assert (await client.answer(5))[1] == GOOD_BODY
    assert front.count(Series.REJECTED, "maintenance") == 1
    assert (await front.log(2))[0]["outcome"] == "maintenance"
    assert quiet(front)


@pytest.mark.parametrize("accept", ["application/json", "text/html;q=0, */*", "text/plain"])
async def test_a_client_that_takes_no_html_gets_text(start_front: StartFront, accept: str) -> None:
    """The message as it is."""
    front, _ = await start_front([faults.answer], service=CLOSED)
    async with front.client() as client:
        client.send(asking(f"Accept: {accept}", "Connection: close"))
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
        assert b"Content-Type: text/plain; charset=utf-8\r\n" in head
        assert body.decode() == "Until <six> o'clock: grün\n"


async def test_head_gets_no_body(start_front: StartFront) -> None:
    """As HTTP has it, and the length is that of the page."""
    front, _ = await start_front([faults.answer], service=CLOSED)
    async with front.client() as client:
        client.send(asking("Connection: close").replace(b"GET", b"HEAD"))
        assert (await client.rest()).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "request_",
    [
        asking("X-Bluegreen-Color: green:secret"),
        asking("Cookie: a=b; bluegreen_color=blue:secret"),
        asking("Cookie: bluegreen_color=green:secret", host="green.example"),
    ],
)
async def test_testers_get_through(start_front: StartFront, request_: bytes) -> None:
    """Who asks for a color with the token is served."""
    front, _ = await start_front([faults.answer], service=replace(GUARDED, split=0))
    front.publish(replace(GUARDED, blue=front.door.routing.router.match(b"a", b"/").spec.blue, green=()))  # type: ignore[union-attr]
    async with front.client() as client:
        client.send(request_)
        assert b"maintenance" not in await client.head()
    assert front.count(Series.REJECTED, "maintenance") == 0


@pytest.mark.parametrize(
    "request_",
    [
        asking("X-Bluegreen-Color: green"),
        asking("X-Bluegreen-Color: green:wrong"),
        asking("X-Bluegreen-Color: red:secret"),
        asking("Cookie: other=green:secret"),
        asking(host="green.example"),
    ],
)
async def test_who_has_no_token_is_no_tester(start_front: StartFront, request_: bytes) -> None:
    """To name a color is not enough where a token is configured."""
    front, _ = await start_front([faults.answer], service=GUARDED)
    async with front.client() as client:
        client.send(request_)
        assert (await client.head()).startswith(b"HTTP/1.1 503 ")


async def test_without_a_token_the_host_is_enough(start_front: StartFront) -> None:
    """Where everybody may look, a name for a color is all it takes."""
    front, _ = await start_front([faults.answer], service=replace(CLOSED, preview=PreviewRule(blue_host="b.example")))
    async with front.client() as client:
        client.send(asking(host="b.example"))
        assert (await client.answer(5))[1] == GOOD_BODY


async def test_testers_are_held_like_everybody(start_front: StartFront) -> None:
    """A hold keeps two versions apart, whoever asks."""
    service = replace(CLOSED, preview=PreviewRule(), hold=HoldRule())
    front, servers = await start_front([faults.answer], service=service)
    async with front.client() as client:
        client.send(asking("X-Bluegreen-Color: blue"))
        await front.until(lambda: front.count(Series.HELD, "default") == 1)
        front.publish(replace(service, hold=None, blue=tuple(map(entry, servers))))
        front.door.refresh()
        assert (await client.answer(5))[1] == GOOD_BODY


async def test_testers_who_waited_get_through_maintenance_that_began_meanwhile(start_front: StartFront) -> None:
    """Each of them, and not to the end of the queue again, where they would let each other go first for ever."""
    service = replace(GUARDED, maintenance=None, hold=HoldRule())
    front, servers = await start_front([faults.answer], service=service)
    async with front.client() as one, front.client() as two:
        for client in (one, two):
            client.send(asking("X-Bluegreen-Color: blue:secret"))
        await front.until(lambda: front.count(Series.HELD, "default") == 2)
        front.publish(replace(GUARDED, blue=tuple(map(entry, servers))))
        front.door.refresh()
        for client in (one, two):
            assert (await client.answer(5))[1] == GOOD_BODY
    assert front.count(Series.HELD_TOTAL, "default") == 2


async def test_maintenance_that_begins_meanwhile_is_told_to_those_who_waited(start_front: StartFront) -> None:
    """They are let go into what there is then."""
    front, servers = await start_front([faults.answer], service=replace(SERVICE, hold=HoldRule()))
    async with front.client() as client:
        client.send(GET)
        await front.until(lambda: front.count(Series.HELD, "default") == 1)
        front.publish(replace(CLOSED, blue=tuple(map(entry, servers))))
        front.door.refresh()
        assert (await client.head()).startswith(b"HTTP/1.1 503 ")
