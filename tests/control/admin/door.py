"""The admin API of a control core, on a real socket, and a client of it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from proxy.config import load_settings
from proxy.config.addresses import Address, TcpAddress
from proxy.control.admin.auth import Token
from proxy.control.admin.context import AdminContext
from proxy.control.admin.server import AdminServer
from proxy.control.clock import SystemClock
from proxy.control.health import HealthMonitor
from proxy.control.load import Loads
from proxy.control.reload import Reloader
from proxy.logs.log import EventLog
from proxy.traffic.judgement import Verdict
from tests.control.core import Core

FRONT = TcpAddress("0.0.0.0", 8080)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON in it."""
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """The code of a problem document."""
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.body["status"] == self.status
        return str(self.body["code"])


class Api:
    """A client of one admin API."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self.session = session
        self.port = port

    async def call(
        self, method: str, path: str, body: object = None, *, data: bytes | None = None, **headers: str
    ) -> Reply:
        """One call. ``body`` is sent as JSON, ``data`` as it is; underscores in names of fields stand for hyphens."""
        if body is not None:
            data = json.dumps(body).encode()
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            fields.setdefault("Content-Type", "application/json")
        async with self.session.request(method, path, data=data, headers=fields, allow_redirects=False) as response:
            return Reply(response.status, response.headers, await response.read())

    async def get(self, path: str, **headers: str) -> Reply:
        """Read something."""
        return await self.call("GET", path, None, data=None, **headers)

    async def shop(self) -> Any:
        """The service as the API shows it."""
        return (await self.get("/v1/services/shop")).body

    async def raw(self, data: bytes, *, until: bytes = b"") -> bytes:
        """What is answered to these bytes, up to some others in it, or until the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            return await (reader.readuntil(until) if until else reader.read())
        except ConnectionResetError:
            return b""
        finally:
            writer.transport.abort()


CONFIG = """
services:
  shop:
    pools:
      blue: {upstreams: ["a:1", "a:2"]}
      green: {upstreams: ["b:1"]}
"""


@dataclass(slots=True)
class Admin:
    """A running admin API and what it stands on."""

    core: Core
    api: Api
    context: AdminContext
    server: AdminServer
    config: Path
    """The config file."""
    loads: Loads
    """What looks at the load, when it is told to."""
    obstacles: list[str] = field(default_factory=list)


async def one_metric(_: str | None) -> tuple[bytes, str]:
    """Stands for what the program would render."""
    return b"bluegreen_generation 1\n", "text/plain; version=0.0.4; charset=utf-8"


@asynccontextmanager
async def running_admin(
    core: Core,
    *,
    tokens: tuple[Token, ...] = (),
    listen: Address | None = None,
    verdict: Callable[[str], Verdict | None] = lambda _: None,
) -> AsyncIterator[Admin]:
    """Serve the admin API of a core on a free port of loopback.

    Args:
        core: what it serves.
        tokens: who may use it; none: everybody.
        listen: what it believes to listen on.
        verdict: what the judge says of an operation.
    """
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    obstacles: list[str] = []
    config = core.path.with_name("bluegreen.yaml")
    config.write_text(CONFIG)
    silence = os.open(os.devnull, os.O_WRONLY)
    log = EventLog(silence)
    loads = Loads(core.crew, lambda: core.controller.state.services, SystemClock())
    context = AdminContext(
        controller=core.controller,
        store=core.store,
        events=core.events,
        fleet=core.crew,
        publisher=core.publisher,
        reloading=Reloader(config, load_settings(config, {}), core.controller, SystemClock(), log),
        probing=HealthMonitor(core.controller, log),
        metrics=one_metric,
        obstacles=lambda: obstacles,
        listen=listen or TcpAddress("127.0.0.1", port),
        front=(FRONT,),
        tokens=tokens,
        load=loads.of,
        series=loads.series,
        verdict=verdict,
    )
    server = await AdminServer.start(context, [sock])
    try:
        many = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=many) as session:
            yield Admin(core, Api(session, port), context, server, config, loads, obstacles)
    finally:
        await server.stop()
        os.close(silence)
