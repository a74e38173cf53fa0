"""Workers that share a queue share their clients evenly, and nobody waits for one that does not come."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from proxy.dataplane.listening import Listening
from proxy.dataplane.turns import AT_ONCE, LEAD, Turns
from proxy.shm.addresses import AddressCounts, AddressTable
from tests.dataplane.conftest import StartFront
from tests.harness import faults


@pytest.fixture
def table() -> Iterator[AddressTable]:
    """What the workers show each other."""
    table = AddressTable.create(2)
    yield table
    table.close()


def worker(table: AddressTable) -> AddressCounts:
    """One more worker."""
    return AddressCounts(table.fd, table.take_row())


def test_who_is_alone_takes_everybody(table: AddressTable) -> None:
    """With nobody to leave clients to, any number is right."""
    assert Turns(None).allowed(10_000) == AT_ONCE
    assert Turns(worker(table)).allowed(10_000) == AT_ONCE


def test_two_workers_that_come_by_turns_have_the_same_in_the_end(table: AddressTable) -> None:
    """Whoever is first, and however often one of them comes."""
    clients = [0, 0]
    turns = [Turns(worker(table)) for _ in clients]
    for number in range(200):
        who = 0 if number % 5 else 1
        clients[who] += turns[who].allowed(clients[who])
    turns[1].allowed(clients[1])
    assert turns[0].allowed(clients[1] + LEAD + clients[1] // 8) == 0
    assert clients[0] <= clients[1] * 1.2 + LEAD


async def test_clients_are_not_left_to_a_worker_that_does_not_come(
    start_front: StartFront, table: AddressTable
) -> None:
    """It has the fewest, but it hangs: everybody is taken all the same, with a rest between."""
    front, _ = await start_front([faults.answer])
    front.door.addresses = worker(table)
    worker(table).show(0)
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        listening = Listening(front.door, [listener.dup().detach()])
        listening.start()
        clients = [socket.create_connection(listener.getsockname()) for _ in range(60)]
        await front.until(lambda: len(front.door.connections) == 60)
        listening.stop()
        for client in clients:
            client.close()
