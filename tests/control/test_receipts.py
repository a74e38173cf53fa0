from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from proxy.control.receipts import open_account
from proxy.shm.board import Board
from proxy.shm.names import Outcome
from proxy.traffic.model import Operation, OperationKind, Receipt
from proxy.traffic.spec import Color
from tests.control.crew import Crew

EMPTY = Receipt(generation=2)


@pytest.fixture
def crew() -> Iterator[Crew]:
    """Two workers."""
    board = Board.create(4096)
    yield Crew(board)
    board.close()


def leaving(*what: tuple[Color, str | None]) -> Operation:
    """An operation that leaves something behind."""
    return Operation("op-1", "shop", OperationKind.SWITCH, "ada", None, 1.0, 0, 10_000, what)


def test_every_end_is_counted_once_and_as_what_it_was(crew: Crew) -> None:
    """What was in flight at the flip is, at the end, the sum of how it ended, whichever worker it was in."""
    before = crew.workers[0].admit()
    before.end()
    requests = [worker.admit() for worker in crew.workers for _ in range(4)]
    account = open_account(crew, leaving((Color.BLUE, None)))
    requests[0].retry()
    requests[0].end(Outcome.FINISHED)
    receipt = account.opened(EMPTY)
    for request, outcome in zip(requests[1:], [*Outcome] * 2, strict=False):
        request.end(outcome)
    assert account.in_flight() == 0
    assert account.counted(receipt) == Receipt(
        generation=2,
        in_flight_at_flip=8,
        finished_on_old=3,
        failed=2,
        cut_by_client=2,
        cut_by_proxy=1,
        retried=1,
        dropped=0,
        errors_on_old=0,
    )


def test_what_ends_between_flip_and_last_acknowledgement_counts(crew: Crew) -> None:
    """Also what is over before all workers have shown that they saw the table was in flight at the flip."""
    request = crew.workers[0].admit()
    account = open_account(crew, leaving((Color.BLUE, None)))
    request.end()
    assert account.opened(EMPTY).in_flight_at_flip == 1


def test_a_worker_that_dies_takes_its_requests_with_it(crew: Crew) -> None:
    """They are dropped, and counted so; those that it had finished stay finished, earlier deaths do not count."""
    early = crew.workers[0]
    early.admit()
    crew.kill(early)
    worker = crew.workers[0]
    requests = [worker.admit() for _ in range(3)]
    account = open_account(crew, leaving((Color.BLUE, None)))
    receipt = account.opened(EMPTY)
    requests[0].end()
    crew.kill(worker)
    assert account.in_flight() == 0
    told = account.counted(receipt)
    assert (told.in_flight_at_flip, told.finished_on_old, told.dropped) == (3, 1, 2)


def test_tunnels_are_in_flight_too(crew: Crew) -> None:
    """A drain waits for them, and they end like requests."""
    account_before = crew.workers[1].admit(tunnel=True)
    account = open_account(crew, leaving((Color.BLUE, None)))
    receipt = account.opened(EMPTY)
    assert account.in_flight() == receipt.in_flight_at_flip == 1
    account_before.end(Outcome.CUT_BY_PROXY)
    assert account.counted(receipt).cut_by_proxy == 1


def test_the_other_color_is_none_of_its_business(crew: Crew) -> None:
    """Requests on the color that stays are not counted."""
    account = open_account(crew, leaving((Color.BLUE, None)))
    crew.workers[0].admit(Color.GREEN).end()
    crew.workers[0].admit(Color.GREEN)
    assert account.in_flight() == 0
    assert account.counted(account.opened(EMPTY)) == replace(EMPTY, errors_on_old=0)


def test_an_operation_that_leaves_nothing_counts_nothing(crew: Crew) -> None:
    """A partial split has nothing to drain."""
    crew.workers[0].admit()
    account = open_account(crew, leaving())
    assert account.in_flight() == 0
    assert account.counted(account.opened(EMPTY)) == EMPTY


def test_single_upstreams_are_counted_by_what_is_there(crew: Crew) -> None:
    """Only what is on those upstreams; what goes away by itself has finished, what the proxy cuts is cut."""
    ours = [worker.admit(address="a:1") for worker in crew.workers for _ in range(2)]
    crew.workers[0].admit(address="a:2")
    account = open_account(crew, leaving((Color.BLUE, "a:1")))
    receipt = account.opened(EMPTY)
    assert account.in_flight() == receipt.in_flight_at_flip == 4
    ours[0].end()
    ours[1].end(Outcome.CUT_BY_PROXY)
    ours[2].end()
    told = account.counted(receipt)
    assert (told.finished_on_old, told.cut_by_proxy, told.dropped, account.in_flight()) == (2, 1, 0, 1)


def test_what_a_dead_worker_had_on_a_single_upstream_is_dropped(crew: Crew) -> None:
    """As many as it had there when last looked at."""
    for worker in crew.workers:
        worker.admit(address="a:1")
    account = open_account(crew, leaving((Color.BLUE, "a:1")))
    receipt = account.opened(EMPTY)
    crew.kill(crew.workers[1])
    told = account.counted(receipt)
    assert (told.in_flight_at_flip, told.finished_on_old, told.dropped, account.in_flight()) == (2, 0, 1, 1)
