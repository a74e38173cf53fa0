"""When a request is counted, and what is noted of it."""

from __future__ import annotations

import asyncio
import socket

from proxy.shm.names import Series
from tests.dataplane.conftest import BLUE, GET, Front, StartFront
from tests.harness import faults
from tests.harness.faults import GOOD_BODY

ROUNDS = 300


def ask_and_look(front: Front) -> list[int]:
    """Ask again and again, and look at the counter once an answer is whole; the rounds in which it lagged."""
    late = []
    with socket.create_connection(front.address) as client:
        for number in range(1, ROUNDS + 1):
            client.sendall(GET)
            while not client.recv(65536).endswith(GOOD_BODY):
                pass
            if front.count(Series.REQUESTS, *BLUE, "200", "GET") < number:
                late.append(number)
    return late


async def test_whatever_a_client_has_whole_is_counted(start_front: StartFront) -> None:
    """Seen from another thread, which runs while the worker is still within its write, no answer precedes its count."""
    front, _ = await start_front([faults.answer])
    assert await asyncio.to_thread(ask_and_look, front) == []


async def test_an_exemplar_carries_the_id_that_its_client_was_told(start_front: StartFront) -> None:
    """It stands under the service and color that answered, for whoever looks for the request in the log."""
    front, _ = await start_front([faults.answer])
    ids = set()
    async with front.client() as client:
        for _ in range(50):
            client.send(GET)
            head, _ = await client.answer(5)
            ids.add(head.partition(b"X-Request-Id: ")[2].partition(b"\r\n")[0].decode())
    noted = front.region.exemplars()
    assert noted
    for (name, _), exemplar in noted.items():
        assert name == (Series.DURATION, *BLUE)
        assert exemplar.id in ids
        assert not exemplar.trace


async def test_a_request_that_is_part_of_a_trace_is_noted_by_that(start_front: StartFront) -> None:
    """The id of the trace leads further than that of the request."""
    front, _ = await start_front([faults.answer])
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with front.client() as client:
        client.send(f"GET / HTTP/1.1\r\nHost: a\r\nTraceparent: 00-{trace}-00f067aa0ba902b7-01\r\n\r\n".encode())
        await client.answer(5)
    assert [(each.id, each.trace) for each in front.region.exemplars().values()] == [(trace, True)]
