"""Connections to others.

The loop's own ``sock_connect`` asks a resolver in a thread even for plain addresses. That costs more than the whole
connection, and the threads that then stay keep the sockets of a killed worker open for a while longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Sequence
from typing import Any


async def dial(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket; of several addresses that a name stands for, the first that answers.

    Raises:
        OSError: none did, or the name does not resolve.
        UnicodeError: the name cannot be written in the way of DNS.
    """
    *others, (family, address) = await _addresses(loop, host, port)
    for other_family, other_address in others:
        with contextlib.suppress(OSError):
            return await _dial(loop, other_family, other_address)
    # Raised from here: to keep the last error would make a cycle of it and this frame, for each failure.
    return await _dial(loop, family, address)


async def _dial(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> socket.socket:
    connecting = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = connecting.connect_ex(address)
        if error == errno.EINPROGRESS:
            await _writable(loop, connecting.fileno())
            error = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
    except BaseException:
        connecting.close()
        raise
    return connecting


async def _writable(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    ready = loop.create_future()
    loop.add_writer(descriptor, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(descriptor)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _addresses(loop: asyncio.AbstractEventLoop, host: str, port: int) -> Sequence[tuple[int, Any]]:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return [(family, (host, port))]
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]
