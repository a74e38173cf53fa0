"""Ports to listen on."""

from __future__ import annotations

import contextlib
import secrets
import socket

# Below the range from which Linux takes the ports of outgoing connections (32768 and up), so that none of these can
# take one away before it is listened on.
_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


def free_ports(count: int) -> list[int]:
    """So many different ports of 127.0.0.1 that nobody listens on."""
    found: set[int] = set()
    while len(found) < count:
        port = secrets.choice(_RANGE)
        if is_free(port):
            found.add(port)
    return list(found)
