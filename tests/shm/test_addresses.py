"""Connections by address: exact over all workers, and given back with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proxy.shm.addresses import ROWS_EACH, AddressCounts, AddressTable
from proxy.shm.board import Board


@pytest.fixture
def table() -> Iterator[AddressTable]:
    """A table for one worker and its successors."""
    table = AddressTable.create(1)
    yield table
    table.close()


def counts(table: AddressTable) -> AddressCounts:
    """One more worker."""
    return AddressCounts(table.fd, table.take_row())


def test_the_limit_holds_over_all_workers(table: AddressTable) -> None:
    """Wherever its connections are, an address has as many as it may, and not one more."""
    workers = [counts(table), counts(table)]
    assert all(workers[number % 2].enter(b"a", 10) for number in range(10))
    assert [worker.enter(b"a", 10) for worker in workers] == [None, None]


def test_an_address_does_not_count_for_another(table: AddressTable) -> None:
    """Thousands of others leave an address all that it may have."""
    worker = counts(table)
    for number in range(5000):
        assert worker.enter(b"%d" % number, 3)
    assert [worker.enter(b"a", 3) is not None for _ in range(4)] == [True, True, True, False]


def test_who_leaves_makes_room(table: AddressTable) -> None:
    """In the same worker as in another one."""
    first, second = counts(table), counts(table)
    place = first.enter(b"a", 1)
    assert place is not None
    assert second.enter(b"a", 1) is None
    first.leave(place)
    assert second.enter(b"a", 1) is not None


def test_a_dead_worker_counts_no_more(table: AddressTable) -> None:
    """Its connections died with it, and its row is clean for the next one."""
    row = table.take_row()
    assert AddressCounts(table.fd, row).enter(b"a", 1)
    table.give_back(row)
    assert counts(table).enter(b"a", 1) is not None


def test_more_workers_than_rows_is_an_error_that_passes(table: AddressTable) -> None:
    """A supervisor tries again later to start a worker for which there is no row."""
    rows = [table.take_row() for _ in range(ROWS_EACH)]
    with pytest.raises(OSError, match="hang"):
        table.take_row()
    table.give_back(rows[0])
    assert table.take_row() == rows[0]


def test_other_memory_is_refused() -> None:
    """A descriptor of something else is no table."""
    board = Board.create(65536)
    with pytest.raises(ValueError, match="no table"):
        AddressCounts(board.fd, 0)
    board.close()


def test_workers_see_how_many_clients_the_others_have(table: AddressTable) -> None:
    """Those that are there: neither oneself, nor who is dead, nor who has shown nothing yet."""
    rows = [table.take_row() for _ in range(3)]
    first, second, third = (AddressCounts(table.fd, row) for row in rows)
    first.show(7)
    assert first.fewest_elsewhere() is None
    second.show(0)
    third.show(3)
    assert [worker.fewest_elsewhere() for worker in (first, second, third)] == [0, 3, 0]
    table.give_back(rows[1])
    assert first.fewest_elsewhere() == 3
