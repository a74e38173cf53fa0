"""How many clients a worker has room for."""

from __future__ import annotations

import resource

import pytest

from proxy.dataplane.room import RESERVE, Descriptors, Room, Share, room_for
from proxy.shm.names import PauseReason


@pytest.mark.parametrize(("total", "workers"), [(1, 1), (100, 3), (2, 8), (7, 7), (1000, 64)])
def test_all_shares_together_are_the_whole(total: int, workers: int) -> None:
    """Not one client more or less than the limit, however many workers there are."""
    parts = [Share(slot, workers).part(total) for slot in range(workers)]
    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1


def test_the_narrower_bound_counts() -> None:
    """And it is what an operator is told."""
    half = Share(0, 2)
    assert room_for(50, None, half) == Room(50, PauseReason.DESCRIPTORS)
    assert room_for(50, 1000, half) == Room(50, PauseReason.DESCRIPTORS)
    assert room_for(50, 60, half) == Room(30, PauseReason.CONNECTIONS)


@pytest.mark.parametrize("clients", [1, 2, 15, 16, 1000])
def test_some_have_to_leave_before_others_come(clients: int) -> None:
    """At least one, and never more than there are."""
    assert 0 <= Room(clients, PauseReason.CONNECTIONS).again < clients


def test_every_client_leaves_a_descriptor_for_its_upstream() -> None:
    """With as many idle connections besides as there may be, and a reserve, the limit of open files is not reached."""
    descriptors = Descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = 400
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors._ours + room, hard))
        assert descriptors._ours > RESERVE
        assert 0.9 * room <= 2 * descriptors.clients + descriptors.idle <= room
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(descriptors._ours, soft), hard))
        assert descriptors.clients == 1
        assert descriptors.idle == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
