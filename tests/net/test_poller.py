"""The poller tells each descriptor its news, and nobody's fault or end is another one's."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from proxy.net.poller import BATCH, LEVEL_READABLE, Poller, Watched
from tests.net.conftest import Bench, Notes, fail, rounds, tcp_pair, until


class Counting(Watched):
    """Counts how often it is told."""

    def __init__(self) -> None:
        self.times = 0

    def ready(self, events: int) -> None:
        self.times += 1


async def test_news_are_told_once(bench: Bench) -> None:
    """Who does not look at them is not told again, and costs nothing; a listening socket's are told until it does."""
    near, far = tcp_pair()
    edge, level = Counting(), Counting()
    copy = near.dup()
    with near, far, copy:
        bench.poller.watch(near.fileno(), edge)
        bench.poller.watch(copy.fileno(), level, LEVEL_READABLE)
        far.send(b"news")
        await until(lambda: level.times > 3)
        assert edge.times == 1
        far.send(b"more")
        await until(lambda: edge.times == 2)
        bench.poller.release(near.fileno())
        bench.poller.release(copy.fileno())
        bench.poller.release(copy.fileno())
        far.send(b"nobody hears of it")
        before = level.times
        await rounds()
        assert (edge.times, level.times) == (2, before)


async def test_room_is_told_to_who_asks_for_it_and_at_once_if_it_is_there_already(bench: Bench) -> None:
    """It may have come about between the write that failed and the question."""
    near, far = tcp_pair()
    watched = Counting()
    with near, far:
        bench.poller.watch(near.fileno(), watched)
        await rounds()
        assert watched.times == 0
        bench.poller.watch_both_ways(near.fileno())
        await until(lambda: watched.times == 1)
        bench.poller.release(near.fileno())


async def test_a_descriptor_that_cannot_be_watched_is_not_remembered(bench: Bench) -> None:
    """The error is told, and the number is free for another."""
    watched = Counting()
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(OSError, match="Bad file descriptor"):
        bench.poller.watch(read, watched)
    os.close(write)
    bench.poller.release(read)  # nothing: the kernel would refuse


async def test_more_than_a_batch_at_once(bench: Bench) -> None:
    """Everybody is told, though the loop has its turn between."""
    everybody = [Counting() for _ in range(BATCH + 50)]
    pairs = [socket.socketpair() for _ in everybody]
    for watched, (near, far) in zip(everybody, pairs, strict=True):
        bench.poller.watch(near.fileno(), watched)
        far.send(b"news")
    await until(lambda: all(watched.times == 1 for watched in everybody))
    for near, far in pairs:
        bench.poller.release(near.fileno())
        near.close()
        far.close()


async def test_a_fault_ends_only_the_connection_that_it_happened_on(bench: Bench) -> None:
    """Who comes later in the same batch is told its news all the same: the kernel tells them once."""
    everybody = [Notes() for _ in range(8)]
    for notes in everybody[::2]:
        notes.on["data"] = fail
    ends = [bench.stream(notes)[1] for notes in everybody]
    for end in ends:
        end.send(b"news")
    await until(lambda: sum("lost" in notes.told for notes in everybody) == 4)
    assert [notes.told for notes in everybody] == [["made", "data", "lost"], ["made", "data"]] * 4
    assert [type(notes.error) for notes in everybody[::2]] == [ZeroDivisionError] * 4
    assert [type(fault) for fault in bench.faults] == [ZeroDivisionError] * 4


async def test_who_is_ended_by_somebody_of_the_same_batch_hears_nothing_else(bench: Bench) -> None:
    """Its news were fetched already, and are nobody's: not its own, nor those of who gets its number next."""
    first, second, newcomer = Notes(), Notes(), Notes()
    _, one = bench.stream(first)
    stream, two = bench.stream(second)

    def replace() -> None:
        stream.abort()
        pair = tcp_pair()
        bench.stream(newcomer, pair)
        pair[1].send(b"own")

    first.on["data"] = replace
    one.send(b"news")
    two.send(b"not wanted any more")
    await until(lambda: newcomer.data and "lost" in second.told)
    assert second.told == ["made", "lost"]
    assert newcomer.data == b"own"
    _, three = bench.stream(third := Notes())
    three.send(b"its own as well")
    await until(lambda: third.data == b"its own as well")


async def test_it_ends_with_whom_it_watches_untold(bench: Bench) -> None:
    """The descriptors stay open, and the loop forgets it."""
    poller = Poller(asyncio.get_running_loop())
    near, far = tcp_pair()
    watched = Counting()
    with near, far:
        poller.watch(near.fileno(), watched)
        poller.close()
        far.send(b"news")
        await rounds()
        assert (watched.times, near.recv(10)) == (0, b"news")
