from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.shm.board import Board, BoardDamaged, BoardEmpty, BoardFull, BoardView
from proxy.shm.memory import Memory
from tests.shm.processes import start


@pytest.fixture
def board() -> Iterator[Board]:
    """A board with slots of 4096 bytes."""
    board = Board.create(slot_size=4096)
    yield board
    board.close()


class Lapped(mmap.mmap):
    """Memory whose reader is held up in the middle of its first copy, while the writer publishes ``laps`` times."""

    laps: int
    board: Board

    def __getitem__(self, part: Any) -> Any:
        middle = (part.start + part.stop) // 2
        half = super().__getitem__(slice(part.start, middle))
        while self.laps:
            self.laps -= 1
            self.board.publish(BoardView.attach(self.board.fd).words[0] + 1, b"new" * 100)
        return half + super().__getitem__(slice(middle, part.stop))


def lapped(board: Board, *, laps: int) -> BoardView:
    """A reader that is overtaken."""
    memory = Memory(board.fd, writable=False)
    memory.bytes = Lapped(board.fd, 0, access=mmap.ACCESS_READ)
    memory.bytes.board, memory.bytes.laps = board, laps
    return BoardView(memory)


def test_a_reader_gets_what_was_published_last(board: Board) -> None:
    """A reader gets the newest payload with its generation, as often as it asks."""
    view = BoardView.attach(board.fd)
    for generation, payload in ((1, b"one"), (2, b"two"), (7, b""), (8, b"x" * 4096)):
        board.publish(generation, payload)
        assert (generation, generation, payload) == (view.words[0], *view.read())
        assert (generation, payload) == view.read()


def test_a_board_without_a_table_says_so(board: Board) -> None:
    """A reader of a board on which nothing was published is told that, not given an empty payload."""
    view = BoardView.attach(board.fd)
    assert view.words[0] == 0
    with pytest.raises(BoardEmpty):
        view.read()


def test_a_payload_that_does_not_fit_changes_nothing(board: Board) -> None:
    """A payload above the slot size is refused with both sizes, and what was published stays."""
    board.publish(1, b"fits")
    with pytest.raises(BoardFull, match=r"4097 .* 4096"):
        board.publish(2, b"x" * 4097)
    assert BoardView.attach(board.fd).read() == (1, b"fits")


@pytest.mark.parametrize("generation", [0, 4, 5])
def test_generations_must_grow(board: Board, generation: int) -> None:
    """A generation that is not above the published one is refused, and what was published stays."""
    board.publish(5, b"five")
    with pytest.raises(ValueError, match="does not grow"):
        board.publish(generation, b"old")
    assert BoardView.attach(board.fd).read() == (5, b"five")


def test_the_first_generation_is_at_least_one(board: Board) -> None:
    """Generation 0 means that nothing is published, so nothing can be published as 0."""
    with pytest.raises(ValueError, match="does not grow"):
        board.publish(0, b"")


def test_a_slot_of_any_size_holds_that_much() -> None:
    """A slot size that is not a whole number of words still leaves room for as many bytes."""
    board = Board.create(slot_size=13)
    assert board.capacity >= 13
    board.publish(1, b"x" * 13)
    board.publish(2, b"y" * 13)
    assert BoardView.attach(board.fd).read() == (2, b"y" * 13)
    board.close()


def test_readers_cannot_write(board: Board) -> None:
    """A worker that goes wrong cannot change the table of the others."""
    with pytest.raises(TypeError):
        BoardView.attach(board.fd).words[0] = 9


def test_readers_keep_the_board_when_the_writer_is_gone() -> None:
    """A worker goes on reading after the supervisor has closed the board."""
    board = Board.create(slot_size=64)
    board.publish(3, b"three")
    view = BoardView.attach(board.fd)
    board.close()
    board.close()
    assert view.read() == (3, b"three")


def test_other_memory_is_no_board() -> None:
    """A descriptor that holds something else is refused at once."""
    for size in (8, 4096):
        memory = Memory.create("other", size)
        with pytest.raises(ValueError, match="no board"):
            BoardView.attach(memory.fd)
        memory.close()


def test_untouched_memory_costs_nothing() -> None:
    """The default slots are large, and yet an empty board takes no more than a page or two."""
    board = Board.create()
    assert os.fstat(board.fd).st_blocks * 512 <= 8192
    board.close()


@pytest.mark.parametrize("laps", [1, 2, 3])
def test_a_lapped_reader_reads_again(board: Board, laps: int) -> None:
    """A reader that the writer overtakes in the middle of a read gets the newest payload, and gets it whole."""
    board.publish(1, b"old" * 100)
    view = lapped(board, laps=laps)
    assert view.read() == (1 + laps, b"new" * 100)


def test_a_new_writer_goes_on_where_the_old_one_stopped(board: Board) -> None:
    """Whoever writes next spares the slot that is published, so that a death in the middle of writing is harmless."""
    board.publish(1, b"one")
    successor = Board(Memory(board.fd, writable=True))
    successor._fill(successor._spare(1), 2, b"half written")
    view = BoardView.attach(board.fd)
    assert view.read() == (1, b"one")
    successor.publish(3, b"three")
    assert view.read() == (3, b"three")


@given(st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    """Whatever single bit of the published slot changes, the reader refuses it and never returns something else."""
    board = Board.create(slot_size=64)
    board.publish(1, b"")
    board.publish(2, data.draw(st.binary(min_size=1, max_size=64)))
    view = BoardView.attach(board.fd)
    _, payload = view.read()
    start = board._layout.slot(0) if board._spare(2) != board._layout.slot(0) else board._layout.slot(1)
    header = [start * 8 + byte for byte in range(24)]  # generation, length, checksum
    content = range(board._layout.payload(start), board._layout.payload(start) + len(payload))
    at = data.draw(st.sampled_from([*header, *content]))
    board._memory.bytes[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BoardDamaged, match="generation 2"):
        view.read()
    board.publish(3, b"whole")
    assert view.read() == (3, b"whole")
    board.close()


def test_readers_in_other_processes_never_see_a_torn_table() -> None:
    """While one process publishes as fast as it can, two others read only whole payloads, and never an older one."""
    last = 20_000
    board = Board.create(slot_size=32 * 1024)
    readers = [start("follow", board.fd, last) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    with start("publish", board.fd, last) as writer:
        writer.communicate(timeout=60)
    met = [int(reader.communicate(timeout=60)[0]) for reader in readers]
    assert [process.returncode for process in (writer, *readers)] == [0, 0, 0]
    assert min(met) > 1, "the readers were to read while the writer wrote"
    board.close()
