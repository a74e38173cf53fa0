"""Publishing: a state becomes a table on the board, and the workers show that they serve from it."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.control.bell import Bell
from proxy.control.fleet import Fleet, seen_generations
from proxy.ipc.messages import Wake
from proxy.shm.board import Board
from proxy.traffic.model import State
from proxy.traffic.table import TableCompiler
from proxy.traffic.table_codec import TableEncoder

_RECHECK = 0.05
"""Seconds after which the cells are looked at though no worker said a word: an acknowledgement may have been lost."""


class TableTooLarge(Exception):
    """The routing table that a command leads to does not fit on the board. Nothing has changed."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One table, ready to be published."""

    generation: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Applied:
    """How many workers there are, and how many of them serve from a generation."""

    total: int
    applied: int


class Publisher:
    """Writes to the board, alone."""

    def __init__(self, board: Board, fleet: Fleet) -> None:
        """Write to ``board``; wake and watch the workers of ``fleet``."""
        self._board = board
        self._fleet = fleet
        self._bell = Bell()
        self._compiler = TableCompiler()
        self._encoder = TableEncoder()

    def prepare(self, state: State) -> Edition:
        """The table of a state, so that it is known to fit before anything is decided.

        Raises:
            TableTooLarge: it does not fit.
        """
        payload = self._encoder.encode(self._compiler.compile(state))
        if len(payload) > self._board.capacity:
            raise TableTooLarge(
                f"the routing table would have {len(payload)} bytes, and {self._board.capacity} fit: "
                "configure fewer upstreams or services"
            )
        return Edition(state.generation, payload)

    def publish(self, edition: Edition) -> None:
        """Show a table to all workers at one instant, and wake those that idle."""
        self._board.publish(edition.generation, edition.payload)
        self._fleet.send(Wake())
        self._bell.ring()

    def acknowledged(self) -> None:
        """To be called when a worker has said what it sees, has become ready, or has died."""
        self._bell.ring()

    def applied(self, generation: int) -> Applied:
        """How many workers serve from this generation, or a later one."""
        seen = seen_generations(self._fleet)
        return Applied(total=len(seen), applied=sum(1 for each in seen if each >= generation))

    def all_seen(self, generation: int) -> bool:
        """Whether no living worker serves from an earlier generation."""
        return all(seen >= generation for seen in seen_generations(self._fleet))

    async def wait_seen(self, generation: int, seconds: float) -> bool:
        """Whether every living worker has come to serve from a generation within so many seconds."""
        return await self._bell.until(lambda: self.all_seen(generation), seconds=seconds, recheck=_RECHECK)
