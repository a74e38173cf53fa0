from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.client import Connection, Request, ask_once
from tests.harness.processes import alive, wait_until
from tests.harness.servers import Server, Servers


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Two servers, one of each color."""
    servers = Servers(tmp_path / "servers", blue=1, green=1, moods={"v2": {"healthy": False, "fail_every": 2}})
    yield servers
    servers.stop()


def _pid(server: Server) -> int:
    return int(list(server.notes("start"))[-1].more[0])


async def test_the_hook_replaces_what_it_is_told_and_nothing_else(servers: Servers) -> None:
    """Another process and another version at the same address, with the mood of that version."""
    blue, green = servers.blue[0], servers.green[0]
    before = _pid(blue), _pid(green)
    servers.start("v2", blue)
    assert (blue.starts, green.starts) == (["v1", "v2"], ["v1"])
    assert not alive(before[0])
    assert _pid(green) == before[1]
    address = ("127.0.0.1", blue.port)
    assert (await ask_once(address, Request(target="/healthz"))).status == 503
    answers = [await ask_once(address) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 500]
    assert answers[0].header("x-version") == "v2"
    assert servers.most_down() == 1


async def test_what_is_cut_is_told(servers: Servers) -> None:
    """A request that a server never ended is found in its log, and one that it ended is not."""
    blue = servers.blue[0]
    connection = await Connection.open(("127.0.0.1", blue.port))
    await connection.ask(Request(headers=(("X-Id", "whole"),)))
    await connection.send(Request(target="/slow?ms=60000", headers=(("X-Id", "cut"),)))
    wait_until(lambda: len(list(blue.notes("begin"))) == 2, timeout=10, what="the request")
    blue.kill()
    connection.close()
    assert [note.more for note in servers.unfinished()] == [("GET", "cut")]


def test_they_end_with_whoever_started_them(tmp_path: Path) -> None:
    """Nobody's children, they notice that the other end of their pipe is gone."""
    servers = Servers(tmp_path / "servers", blue=1)
    pids = [_pid(server) for server in servers.everywhere]
    os.close(servers.alive)
    wait_until(lambda: not any(map(alive, pids)), timeout=10, what="their end")
