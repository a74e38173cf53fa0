"""Two streams that talk to each other in random ways: what arrives is what was sent, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random
import socket

import pytest

from proxy.net.stream import Stream
from tests.net.conftest import Bench, Notes, tcp_pair

SEEDS = 60
CHUNKS = (1, 100, 5_000, 50_000, 150_000)


class Player(Notes):
    """One end: sends what it has in random pieces, mostly heeding what it is told, and is at times not in the mood."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self.dice = dice
        self.has = dice.randbytes(dice.choice((0, 10, 60_000, 400_000)))
        self.sent = 0
        self.full = False
        self.on["data"] = self._maybe_pause
        self.on["full"] = lambda: self._now(True)
        self.on["room"] = lambda: self._now(False)

    def _now(self, full: bool) -> None:
        assert self.full is not full
        self.full = full
        if self.dice.random() < 0.3:
            self.write()

    def _maybe_pause(self) -> None:
        if self.dice.random() < 0.3:
            self.stream.pause_reading()
        if self.dice.random() < 0.3:
            self.write()
        if self.dice.random() < 0.1:
            self.stream.resume_reading()

    def write(self) -> None:
        """Send a piece more, and the end behind the last one."""
        chunk = self.has[self.sent : self.sent + self.dice.choice(CHUNKS)]
        self.sent += len(chunk)
        if chunk:
            self.stream.write(chunk)
        else:
            self.stream.write_eof()

    def play(self) -> None:
        """One turn."""
        if not self.full or self.dice.random() < 0.1:
            self.write()
        if self.dice.random() < 0.3:
            self.stream.pause_reading()
        elif self.dice.random() < 0.5:
            self.stream.resume_reading()


def connect(dice: random.Random) -> tuple[socket.socket, socket.socket]:
    """A connection that holds little, so that both ends are often full."""
    pair = tcp_pair() if dice.random() < 0.5 else socket.socketpair()
    for end in pair:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, dice.choice((1, 20_000, 200_000)))
    return pair


@pytest.mark.parametrize("kind", ["orderly", "broken off"])
async def test_everything_arrives(bench: Bench, kind: str) -> None:
    """Or, where one end breaks it off, a beginning of it; and both are told the end once."""
    for seed in range(SEEDS):
        dice = random.Random(seed)
        players = [Player(dice), Player(dice)]
        for player, end in zip(players, connect(dice), strict=True):
            end.setblocking(False)
            bench.adopt(Stream(bench.poller, end, player, dice.choice((1_000, 40_000))))
        breaking = dice.randrange(60) if kind == "broken off" else -1
        turn = 0
        async with asyncio.timeout(10):
            while not all("eof" in player.told for player in players):
                dice.choice(players).play()
                if turn == breaking:
                    dice.choice(players).stream.abort()
                if any("lost" in player.told for player in players):
                    break
                turn += 1
                if dice.random() < 0.5:
                    await asyncio.sleep(0)
        check(players, seed, whole=turn <= breaking or breaking < 0)
        await end_all(players)
    assert bench.faults == []


def check(players: list[Player], seed: int, *, whole: bool) -> None:
    """What came is what was sent."""
    for sender, receiver in zip(players, reversed(players), strict=True):
        assert sender.has.startswith(receiver.data), seed
        if whole:
            assert receiver.data == sender.has, seed


async def end_all(players: list[Player]) -> None:
    """Both are over, and were told so once."""
    for player in players:
        player.stream.resume_reading()
        player.stream.close()
    while not all("lost" in player.told for player in players):
        players[0].stream.abort()
        players[1].stream.abort()
        await asyncio.sleep(0)
    assert [player.told.count("lost") for player in players] == [1, 1]
    assert [player.stream.socket.fileno() for player in players] == [-1, -1]
