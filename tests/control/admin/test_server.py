from __future__ import annotations

import asyncio

import pytest

from proxy.control.admin import bodies, server
from tests.control.admin.door import Api

HEAD = b"POST /v1/services/shop/switch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def test_a_connection_that_says_nothing_is_closed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a head is nothing."""
    monkeypatch.setattr(server, "HEAD_TIMEOUT", 0.05)
    assert await api.raw(b"GET /livez HTTP/1.1\r\nHo") == b""


async def test_a_connection_that_has_spoken_may_stay(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep-alive outlives the deadline of the first head."""
    monkeypatch.setattr(server, "HEAD_TIMEOUT", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    for _ in range(2):
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 OK\r\n")
        await asyncio.sleep(0.1)  # past the deadline
    writer.close()
    await writer.wait_closed()


async def test_connections_are_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is closed at once, and those that are there go on."""
    await api.get("/livez")  # the client keeps this connection
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 1)
    assert await api.raw(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""
    assert (await api.get("/livez")).status == 200


async def test_a_body_that_does_not_come_is_408(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that stalls is told so and sent away."""
    monkeypatch.setattr(bodies, "BODY_TIMEOUT", 0.05)
    answer = await api.raw(HEAD + b"Content-Length: 10\r\n\r\n{", until=b"}")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code": "body_too_slow"' in answer
