from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from proxy.control.publisher import Applied, Publisher, TableTooLarge
from proxy.shm.board import Board
from proxy.traffic.configure import initial_state
from proxy.traffic.model import State
from proxy.traffic.spec import DoorSpec
from proxy.traffic.table import compile_table
from tests.control.core import SHOP
from tests.control.crew import Crew


@pytest.fixture
def board() -> Iterator[Board]:
    """A small board."""
    board = Board.create(4096)
    yield board
    board.close()


@pytest.fixture
def crew(board: Board) -> Crew:
    """Two workers that have seen nothing yet."""
    return Crew(board)


@pytest.fixture
def publisher(board: Board, crew: Crew) -> Publisher:
    """A publisher that hears of what the crew sees."""
    publisher = Publisher(board, crew)
    crew.acknowledged = publisher.acknowledged
    return publisher


@pytest.fixture
def state() -> State:
    """The first state of a front door."""
    return initial_state(DoorSpec(), (SHOP,))


async def test_what_is_published_is_what_workers_see(publisher: Publisher, crew: Crew, state: State) -> None:
    """Every worker that is woken serves from the state's table."""
    publisher.publish(publisher.prepare(state))
    assert not any(worker.table for worker in crew.workers)
    await asyncio.sleep(0)
    assert [worker.table for worker in crew.workers] == [compile_table(state)] * 2


async def test_waiting_ends_with_the_last_worker(publisher: Publisher, crew: Crew, state: State) -> None:
    """One that has not seen the generation keeps everybody waiting."""
    publisher.publish(publisher.prepare(state))
    crew.look()
    crew.workers[1].asleep = True
    publisher.publish(publisher.prepare(_next(state)))
    assert not await publisher.wait_seen(2, 0.01)
    assert publisher.applied(2) == Applied(total=2, applied=1)
    crew.workers[1].asleep = False
    asyncio.get_running_loop().call_soon(crew.look)
    assert await publisher.wait_seen(2, 10)


async def test_a_dead_worker_is_not_waited_for(publisher: Publisher, crew: Crew, state: State) -> None:
    """Its death counts like an acknowledgement."""
    publisher.publish(publisher.prepare(state))
    crew.look()
    crew.workers[1].asleep = True
    publisher.publish(publisher.prepare(_next(state)))
    asyncio.get_running_loop().call_soon(crew.kill, crew.workers[1])
    assert await publisher.wait_seen(2, 10)


async def test_a_worker_that_has_seen_nothing_is_not_waited_for(publisher: Publisher, crew: Crew, state: State) -> None:
    """It has admitted nothing yet, and its first look will be at the newest table."""
    crew.workers[1].asleep = True
    publisher.publish(publisher.prepare(state))
    await asyncio.sleep(0)
    assert await publisher.wait_seen(1, 10)
    assert publisher.applied(1) == Applied(total=1, applied=1)


async def test_a_lost_acknowledgement_is_made_up_for(publisher: Publisher, crew: Crew, state: State) -> None:
    """What a worker has seen stands in shared memory; its message only makes it quicker."""
    publisher.publish(publisher.prepare(state))
    crew.look()
    crew.acknowledged = lambda: None
    publisher.publish(publisher.prepare(_next(state)))
    assert await publisher.wait_seen(2, 10)


def test_a_table_that_does_not_fit_is_found_before_it_is_published(board: Board) -> None:
    """The error tells the sizes, and the board is as it was."""
    publisher = Publisher(Board.create(64), Crew(board))
    with pytest.raises(TableTooLarge, match="64 fit"):
        publisher.prepare(initial_state(DoorSpec(), (SHOP,)))


def _next(state: State) -> State:
    """The state with the next generation."""
    return State(state.door, state.services, generation=state.generation + 1)
