"""A real upstream: ``python -m tests.harness.upstream --color blue --name b1 --port 0``; prints its port as JSON.

Every answer says who gave it (``X-Color``, ``X-Name``, ``X-Version``) and which request it answers (``X-Id``), so that
a client can see a wrong color or another request's answer. What was delivered is counted by id, and written to a
journal before anything else happens with it, because a killed process can no longer be asked.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import socket
import struct
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

import uvloop
from aiohttp import WSMsgType, web

LINE_OF_THE_STREAM = b"0123456789abcdef" * 16 + b"\n"
"""What ``/stream`` repeats before its checksum."""


@dataclass(slots=True)
class Upstream:
    """One server of a pool, with what it was asked so far."""

    color: str
    name: str
    version: str
    journal: int | None = None
    times: int | None = None
    healthy: bool = True
    fail_every: int = 0
    """Every so many answers of ``/`` are a 500; 0: none."""
    slow_every: int = 0
    """Every so many answers of ``/`` take ``slow_ms`` milliseconds; 0: none."""
    slow_ms: float = 0.0
    answered: int = 0
    deliveries: Counter[tuple[str, str]] = field(default_factory=Counter)

    def note(self, request: web.Request) -> None:
        """Remember that a request arrived, the moment its head did."""
        if "X-Id" not in request.headers:
            return
        key = (request.method, request.headers["X-Id"])
        self.deliveries[key] += 1
        if self.journal is not None:
            os.write(self.journal, f"{key[0]} {key[1]}\n".encode())

    def note_end(self, request: web.Request, begun: float) -> None:
        """Remember from when to when it was worked at, by the monotonic clock that all processes share."""
        if self.times is not None and "X-Id" in request.headers:
            os.write(self.times, f"{begun:.6f} {time.monotonic():.6f}\n".encode())

    def introduce(self, request: web.Request, response: web.StreamResponse) -> None:
        """Sign an answer."""
        response.headers.update({"X-Color": self.color, "X-Name": self.name, "X-Version": self.version})
        if "X-Id" in request.headers:
            response.headers["X-Id"] = request.headers["X-Id"]

    async def root(self, request: web.Request) -> web.Response:
        """A small answer; as the mood is, a late one or an error."""
        self.answered += 1
        if self.slow_every and self.answered % self.slow_every == 0:
            await asyncio.sleep(self.slow_ms / 1000)
        if self.fail_every and self.answered % self.fail_every == 0:
            return web.Response(status=500, text="not today\n")
        return web.Response(text=f"{self.color} {self.name} {self.version}\n")

    async def echo(self, request: web.Request) -> web.Response:
        """The body as it came, with its length and checksum in fields of their own."""
        body = await request.read()
        told = {"X-Length": str(len(body)), "X-Sha256": hashlib.sha256(body).hexdigest()}
        return web.Response(body=body, headers=told, content_type="application/octet-stream")

    async def slow(self, request: web.Request) -> web.Response:
        """An answer after ``ms`` milliseconds."""
        await asyncio.sleep(int(request.query.get("ms", "100")) / 1000)
        return await self.root(request)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """``chunks`` lines, ``ms`` milliseconds apart, and the checksum of all of them."""
        response = web.StreamResponse()
        await response.prepare(request)
        checksum = hashlib.sha256()
        for _ in range(int(request.query.get("chunks", "10"))):
            checksum.update(LINE_OF_THE_STREAM)
            await response.write(LINE_OF_THE_STREAM)
            await asyncio.sleep(int(request.query.get("ms", "10")) / 1000)
        await response.write(checksum.hexdigest().encode())
        return response

    async def events(self, request: web.Request) -> web.StreamResponse:
        """``count`` server-sent events, ``ms`` milliseconds apart, and one named ``end``."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        for number in range(int(request.query.get("count", "5"))):
            await response.write(f"data: {number}\n\n".encode())
            await asyncio.sleep(int(request.query.get("ms", "10")) / 1000)
        await response.write(b"event: end\ndata:\n\n")
        return response

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Tell the color, then echo until the client leaves."""
        session = web.WebSocketResponse(timeout=1.0)
        await session.prepare(request)
        with contextlib.suppress(ConnectionError):  # A client may leave at any time; it knows why.
            await session.send_str(self.color)
            async for message in session:
                if message.type is WSMsgType.TEXT:
                    await session.send_str(message.data)
        return session

    async def healthz(self, request: web.Request) -> web.Response:
        """What a health check is told."""
        return web.Response(status=200 if self.healthy else 503, text="ok\n" if self.healthy else "not ok\n")

    async def set_health(self, request: web.Request) -> web.Response:
        """Decide what health checks are told from now on: ``{"ok": false}``."""
        self.healthy = bool((await request.json())["ok"])
        return web.json_response({"ok": self.healthy})

    async def set_mood(self, request: web.Request) -> web.Response:
        """Decide how ``/`` is answered from now on: ``{"fail_every": 20, "slow_every": 50, "slow_ms": 30}``."""
        for name, value in (await request.json()).items():
            setattr(self, name, value)
        return web.json_response({"ok": True})

    async def close(self, request: web.Request) -> web.Response:
        """A whole answer that promises nothing about the connection, which is then closed all the same."""
        response = await self.root(request)
        await response.prepare(request)
        await response.write_eof()
        if request.transport is not None:
            request.transport.close()
        return response

    async def reset(self, request: web.Request) -> web.StreamResponse:
        """Part of an answer, and a RST."""
        response = web.StreamResponse(headers={"Content-Length": "100000"})
        await response.prepare(request)
        await response.write(b"x" * 1000)
        abort(request.transport)
        return response

    async def hang(self, request: web.Request) -> web.Response:
        """No answer for an hour."""
        await asyncio.sleep(3600)
        return await self.root(request)

    async def stats(self, request: web.Request) -> web.Response:
        """How much was delivered, and what of it more than once."""
        twice = {f"{method} {ident}": count for (method, ident), count in self.deliveries.items() if count > 1}
        return web.json_response({"name": self.name, "delivered": self.deliveries.total(), "duplicates": twice})


def abort(transport: asyncio.BaseTransport | None) -> None:
    """End a connection with a RST instead of a FIN."""
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is not None:  # uvloop has none any more for what is closed
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        cast(asyncio.WriteTransport, transport).abort()  # uvloop's transports are of no common class with asyncio's


def application(upstream: Upstream) -> web.Application:
    """The upstream's routes; every request is noted and every answer signed."""

    @web.middleware
    async def noted(request: web.Request, handler: web.Handler) -> web.StreamResponse:  # type: ignore[name-defined]
        begun = time.monotonic()
        upstream.note(request)
        try:
            answer: web.StreamResponse = await handler(request)
        finally:
            upstream.note_end(request, begun)
        return answer

    async def signed(request: web.Request, response: web.StreamResponse) -> None:
        upstream.introduce(request, response)

    app = web.Application(middlewares=[noted], client_max_size=1 << 30)
    app.on_response_prepare.append(signed)
    gets = {
        "/slow": upstream.slow,
        "/stream": upstream.stream,
        "/events": upstream.events,
        "/ws": upstream.websocket,
        "/healthz": upstream.healthz,
        "/close": upstream.close,
        "/reset": upstream.reset,
        "/hang": upstream.hang,
        "/__stats": upstream.stats,
    }
    app.add_routes([web.route("*", "/echo", upstream.echo), web.post("/__health", upstream.set_health)])
    app.add_routes([web.post("/__mood", upstream.set_mood)])
    app.add_routes([web.get(path, handler) for path, handler in gets.items()])
    app.add_routes([web.route("*", "/{any:.*}", upstream.root)])
    return app


async def serve(upstream: Upstream, *, port: int, keep_alive: float) -> None:
    """Listen, say where, and serve until killed. An idle connection is closed after ``keep_alive`` seconds."""
    runner = web.AppRunner(application(upstream), keepalive_timeout=keep_alive, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=4096)
    await site.start()
    sys.stdout.write(json.dumps({"port": runner.addresses[0][1], "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def _appended(path: str | None) -> int | None:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644) if path else None


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description="An upstream for tests.")
    parser.add_argument("--color", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", default="v1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--keep-alive", type=float, default=75.0, help="seconds an idle connection is kept")
    parser.add_argument("--journal", help="file to which every delivery is appended at once")
    parser.add_argument("--times", help="file to which it appends when each request began and ended")
    options = parser.parse_args()
    upstream = Upstream(
        options.color, options.name, options.version, _appended(options.journal), _appended(options.times)
    )
    uvloop.run(serve(upstream, port=options.port, keep_alive=options.keep_alive))


if __name__ == "__main__":
    main()
