from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import uvloop

from proxy.config.addresses import UnixAddress
from proxy.control.admin import bodies, server
from proxy.control.admin.server import AdminServer
from tests.control.admin.door import Admin, Api, running_admin
from tests.control.core import running_core, tasks, until

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


async def test_connections_that_went_away_leave_nothing(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come and go without a word."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    for _ in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", admin.api.port)
        writer.close()
        await writer.wait_closed()
    await until(lambda: len(admin.server._silent) <= 3)
    assert (await admin.api.get("/livez")).status == 200


async def test_a_stop_waits_for_no_stream_and_no_patient_client(admin: Admin) -> None:
    """Both may be asked for again later."""
    admin.core.crew.workers[0].asleep = True
    switch = asyncio.create_task(admin.api.call("POST", "/v1/services/shop/switch", {"to": "green"}))
    stream = asyncio.create_task(admin.api.get("/v1/events"))
    await until(lambda: bool(tasks("event stream")) and bool(admin.core.controller.state.operations))
    async with asyncio.timeout(4):
        await admin.server.stop()
    assert (await stream).raw.startswith(b":")
    with pytest.raises(aiohttp.ClientError):
        await switch
    admin.core.crew.workers[0].asleep = False
    admin.core.crew.look()


async def test_the_head_alone_can_be_asked_for(api: Api) -> None:
    """As watchers do."""
    reply = await api.call("HEAD", "/readyz")
    assert (reply.status, reply.raw) == (200, b"")


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_unix_socket_will_do(tmp_path: Path, loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """In either loop."""
    path = tmp_path / "admin.sock"

    async def scenario() -> int:
        async with running_core(tmp_path / "db") as core, running_admin(core) as admin:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.bind(str(path))
            sock.listen()
            second = await AdminServer.start(replace(admin.context, listen=UnixAddress(path)), [sock])
            connector = aiohttp.UnixConnector(str(path))
            async with aiohttp.ClientSession(connector=connector) as session, session.get("http://any/livez") as reply:
                status = reply.status
            await second.stop()
            sock.close()
            return status

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(scenario()) == 200


@pytest.mark.parametrize(
    "garbage", [b"hello\r\n\r\n", b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"]
)
async def test_what_is_no_http_is_told_so_quietly(api: Api, garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """400, and not a word in the log: a port scan is no fault of ours."""
    assert (await api.raw(garbage)).split(b" ")[1] == b"400"
    assert caplog.records == []


async def test_who_hangs_up_in_the_midst_of_a_form_is_no_news(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody has to have a token for that, so it must not fill the log either."""
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ntoken="
    writer.write(b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n" + form)
    for _ in range(3):
        await api.get("/livez")
        writer.transport.abort()
    assert caplog.records == []
