"""Clients that hold on to a front door as long and as cheaply as they can. Each gives what it got before it was cut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

from tests.harness.client import Address

TRICKLE = 0.2
"""Seconds between two bytes of those that send some."""

WINDOW = 4096
"""Bytes that a client lets wait at its end that reads nothing."""

Attacker = Callable[[Address], Awaitable[bytes]]


async def _connect(door: Address) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, door)
    return client


async def _send_until_cut(client: socket.socket, first: bytes, rest: bytes) -> bytes:
    """Send ``first``, and then ``rest`` over and over, slowly, until the other end closes; gives what that said."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, first)
    answer = asyncio.create_task(_read_all(client))
    while not answer.done():
        with contextlib.suppress(OSError):
            await loop.sock_sendall(client, rest)
        await asyncio.wait({answer}, timeout=TRICKLE)
    return answer.result()


async def _read_all(client: socket.socket) -> bytes:
    loop, answer = asyncio.get_running_loop(), b""
    with contextlib.suppress(ConnectionError):
        while data := await loop.sock_recv(client, 65536):
            answer += data
    return answer


async def _cut(client: socket.socket) -> None:
    """Wait until the other end has reset the connection, without reading anything."""
    while not client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):  # noqa: ASYNC110 - unread, it raises no event
        await asyncio.sleep(0.05)


async def idle(door: Address) -> bytes:
    """Connects and says nothing."""
    with await _connect(door) as client:
        return await _read_all(client)


async def slow_head(door: Address) -> bytes:
    """Slowloris: a head that never ends, one field after the other."""
    with await _connect(door) as client:
        return await _send_until_cut(client, b"GET / HTTP/1.1\r\nHost: a\r\n", b"X-a: b\r\n")


async def slow_post(door: Address) -> bytes:
    """A body that was announced and does not come."""
    with await _connect(door) as client:
        return await _send_until_cut(client, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", b"")


async def slow_read(door: Address) -> bytes:
    """Asks for a large answer and does not take it."""
    with await _connect(door) as client:
        await asyncio.get_running_loop().sock_sendall(client, LARGE)
        await _cut(client)
    return b""


async def pipelined_flood(door: Address) -> bytes:
    """Asks for a thousand large answers and takes none."""
    with await _connect(door) as client:
        with contextlib.suppress(BlockingIOError):
            client.send(LARGE * 1000)
        await _cut(client)
    return b""


LARGE = b"GET / HTTP/1.1\r\nHost: large\r\n\r\n"
"""For a host whose answers are larger than all buffers of the kernel."""

ALL = (idle, slow_head, slow_post, slow_read, pipelined_flood)
