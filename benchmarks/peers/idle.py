"""Connections that made one request and then wait for the next, as browsers' do most of the time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.peers.steady import REQUEST

CONNECTIONS = 5000
SETTLE = 1.0
"""Seconds until what was only needed for the requests has been given back."""


@contextmanager
def held(port: int, count: int = CONNECTIONS) -> Iterator[None]:
    """So many connections, until the block ends; each was answered once."""
    with ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            client.sendall(REQUEST)
            if not client.recv(65536).startswith(b"HTTP/1.1 200 "):
                raise SystemExit(f"a connection that should become idle was not served on port {port}")
        time.sleep(SETTLE)
        yield
