"""The one clock of a worker: it looks after connections, idle upstream connections and the log, whatever goes wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proxy.upstream import pool
from tests.dataplane.conftest import GET, StartFront
from tests.harness import faults


async def test_idle_upstream_connections_are_closed_in_time(
    start_front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the upstream closes them itself."""
    monkeypatch.setattr(pool, "MAX_IDLE_AGE", 0.1)
    front, _ = await start_front([faults.answer])
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
    (upstream,) = front.door.routing.upstreams()
    assert len(upstream.idle) == 1
    await front.until(lambda: len(upstream.idle) == 0)


async def test_the_log_is_written_without_being_asked(start_front: StartFront) -> None:
    """A line does not wait for others to fill a batch."""
    front, _ = await start_front([faults.answer])
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
    await front.until(lambda: front.log_path.exists() and front.log_path.read_bytes().endswith(b"\n"))


async def test_one_mistake_does_not_stop_the_clock(start_front: StartFront) -> None:
    """All other deadlines still hold."""
    front, _ = await start_front([faults.answer])
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    no_connection: Any = object()
    front.door.connections.add(no_connection)
    await front.until(lambda: len(errors) >= 2)
    front.door.connections.remove(no_connection)
    async with front.client() as client:
        client.send(GET)
        await client.answer(5)
    await front.until(lambda: front.log_path.exists() and front.log_path.read_bytes().endswith(b"\n"))
