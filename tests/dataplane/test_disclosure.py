"""What answers tell of how they were made, where the config wants it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from proxy.traffic.spec import DoorSpec, ResponseHeaders
from tests.dataplane.conftest import GET, SERVICE, StartFront, entry
from tests.dataplane.test_parking import HELD, held, publish
from tests.dataplane.test_tunnel import UPGRADE, echo
from tests.harness import faults

BOTH = DoorSpec(response_headers=ResponseHeaders(server_timing=True, color=True))
COLOR = DoorSpec(response_headers=ResponseHeaders(color=True))

FAKE = faults.raw(
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nx-BLUEGREEN: color=green; generation=9\r\nServer-Timing: db;dur=7\r\nContent-Length: 5\r\n"
    b"X-Bluegreen: color=green\r\nX-Bluegreen-Color: mauve\r\n\r\nfine\n"
)


def values(head: bytes, name: bytes) -> list[bytes]:
    """What a head has under a name."""
    return re.findall(rb"(?mi)^%b: ([^\r]*)\r$" % name, head)


async def test_both_are_off_as_a_rule(start_front: StartFront) -> None:
    """An upstream may then use the names as it likes."""
    front, _ = await start_front([FAKE])
    async with front.client() as client:
        client.send(GET)
        await client.head()
        head = await client.head()
    assert values(head, b"X-Bluegreen") == [b"color=green; generation=9", b"color=green"]
    assert values(head, b"Server-Timing") == [b"db;dur=7"]


async def test_an_upstream_cannot_fake_the_color_and_keeps_its_timing(start_front: StartFront) -> None:
    """Ours is the only color, on the final head alone; whoever reads the times sees both."""
    front, _ = await start_front([FAKE], door=BOTH)
    front.spec = replace(BOTH, access_log=front.spec.access_log)
    async with front.client() as client:
        client.send(GET)
        hints = await client.head()
        head, body = await client.answer(5)
    assert values(hints, b"X-Bluegreen") == values(hints, b"Server-Timing") == []
    assert values(head, b"X-Bluegreen") == [b"color=blue; generation=1"]
    theirs, ours = values(head, b"Server-Timing")
    assert theirs == b"db;dur=7"
    assert re.fullmatch(rb"queue;dur=0\.000, connect;dur=\d+\.\d{3}, upstream;dur=\d+\.\d{3}", ours)
    assert (values(head, b"X-Bluegreen-Color"), body) == ([b"mauve"], b"fine\n")
    (line,) = await front.log(1)
    assert line["sent"] == len(hints + head + body)


async def test_a_switch_of_protocols_tells_too(start_front: StartFront) -> None:
    """A WebSocket's head has the color, and the tunnel works."""
    front, _ = await start_front([echo], door=COLOR)
    async with front.client() as client:
        client.send(UPGRADE)
        head, greeting = await client.answer(5)
    assert (values(head, b"X-Bluegreen"), greeting) == ([b"color=blue; generation=1"], b"hello")
    assert values(head, b"Server-Timing") == []


async def test_our_own_answers_tell_what_is_known(start_front: StartFront) -> None:
    """An upstream that fails has a color; a host that nobody serves has none."""
    front, (server,) = await start_front([faults.answer], door=BOTH)
    gone = entry(server)._replace(address="127.0.0.1:1")
    front.publish(replace(SERVICE, hosts=("a",), blue=(gone,)), door=front.spec)
    async with front.client() as client:
        client.send(GET + GET.replace(b"Host: a", b"Host: b"))
        failed = await client.head()
        await client.reader.readuntil(b"request id: ")
        await client.reader.readline()
        nobody = await client.head()
    assert failed.startswith(b"HTTP/1.1 502 ")
    assert values(failed, b"X-Bluegreen") == [b"color=blue; generation=2"]
    assert values(failed, b"Server-Timing") == [b"queue;dur=0.000"]
    assert nobody.startswith(b"HTTP/1.1 404 ")
    assert values(nobody, b"X-Bluegreen") == values(nobody, b"Server-Timing") == []


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_the_time_in_a_hold_is_the_queue(start_front: StartFront, version: bytes) -> None:
    """A slow answer during a hold is explained by it."""
    front, servers = await start_front([faults.answer], door=BOTH, service=HELD)
    async with front.client() as client:
        client.send(GET.replace(b"1.1", version))
        await front.until(lambda: held(front) == 1)
        since = front.door.loop.time()
        await front.until(lambda: front.door.loop.time() > since + 0.005)
        publish(front, servers)
        head = await client.head()
    (timing,) = values(head, b"Server-Timing")
    queue = re.match(rb"queue;dur=([0-9.]+)", timing)
    assert queue is not None
    assert float(queue[1]) > 5
