"""Connections to others."""

from __future__ import annotations

import asyncio
import contextlib
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
        await loop.sock_connect(connecting, address)
    except BaseException:
        connecting.close()
        raise
    return connecting


async def _addresses(loop: asyncio.AbstractEventLoop, host: str, port: int) -> Sequence[tuple[int, Any]]:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return [(family, (host, port))]
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]
