"""A load of bounded rate that writes down every request: when it was sent, when it was over, and who answered.

Run: python -m benchmarks.peers.asking PORT RATE ONE_SHOT FILE; it asks until its standard input is closed,
and then writes the file.
"""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import cast

import uvloop

CLIENTS = 28
ONE_SHOT = 4
"""How many clients make a new connection for each request, unless told otherwise; the others keep theirs."""

PATIENCE = 5.0
"""Seconds after which a request without an answer has failed."""

_REQUEST = b"GET / HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: bench\r\nAccept: */*\r\n%b\r\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. Times are ``CLOCK_MONOTONIC``, which is one clock for all processes."""

    sent: float
    over: float
    color: str
    """Who answered; empty if it failed."""
    failure: str = ""


class Failed(Exception):
    """A request that got no good answer. The message says how."""


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self.closed = False
        self._buffer = b""
        self._waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    async def ask(self, request: bytes) -> bytes:
        """The body of the answer."""
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._buffer = b""
        self.closed = self.closed or b"\r\nconnection: close" in head.lower()
        if head[9:10] == b"2":
            self._settle(body)
        else:
            self._settle(Failed(f"status {head[9:12].decode()}"))

    def eof_received(self) -> None:
        self.closed = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        how = "reset" if exc is not None else "closed"
        self._settle(Failed(f"{how} amid the answer" if self._buffer else f"{how} without an answer"))

    def _settle(self, result: bytes | Failed) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None or waiting.done():
            return
        if isinstance(result, Failed):
            waiting.set_exception(result)
        else:
            waiting.set_result(result)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


class Client:
    """Asks in even steps, and never more than one thing at a time."""

    def __init__(self, port: int, period: float, *, keep: bool, told: list[Asked]) -> None:
        self._port = port
        self._period = period
        self._keep = keep
        self._told = told
        self._request = _REQUEST % (b"" if keep else b"Connection: close\r\n")
        self._connection: _Connection | None = None

    async def run(self, offset: float) -> None:
        """Ask until cancelled."""
        await asyncio.sleep(offset)
        due = time.monotonic()
        while True:
            await self._once()
            late = time.monotonic() - due
            due += self._period * max(1, math.ceil(late / self._period))  # in step still, or clients would bunch up
            await asyncio.sleep(due - time.monotonic())

    async def _once(self) -> None:
        sent = time.monotonic()
        color = failure = ""
        try:
            async with asyncio.timeout(PATIENCE):
                color = (await self._answer()).decode()
        except TimeoutError:
            failure = "no answer in time"
        except OSError as error:
            failure = f"connecting: {error.strerror}"
        except Failed as error:
            failure = str(error)
        if self._connection is not None and (failure or not self._keep):
            self._connection.transport.abort() if failure else self._connection.transport.close()
            self._connection = None
        self._told.append(Asked(sent, time.monotonic(), color, failure))

    async def _answer(self) -> bytes:
        if self._connection is None or self._connection.closed:
            loop = asyncio.get_running_loop()
            _, self._connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        return await self._connection.ask(self._request)


async def _ask(port: int, rate: float, one_shot: int) -> list[Asked]:
    told: list[Asked] = []
    clients = [Client(port, CLIENTS / rate, keep=n >= one_shot, told=told) for n in range(CLIENTS)]
    tasks = [asyncio.create_task(client.run(n / rate)) for n, client in enumerate(clients)]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    return told


@contextmanager
def asking(port: int, rate: float, file: Path, *, one_shot: int = ONE_SHOT) -> Iterator[list[Asked]]:
    """Ask while the block runs; the list is filled when it ends."""
    command = [sys.executable, "-m", "benchmarks.peers.asking", str(port), str(rate), str(one_shot), str(file)]
    told: list[Asked] = []
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        yield told
        process.communicate(timeout=30)
        told += [Asked(*each) for each in json.loads(file.read_text())]
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    _told = uvloop.run(_ask(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
    Path(sys.argv[4]).write_text(json.dumps([astuple(each) for each in _told]))
