"""A WebSocket client for many connections, each with one message of 128 bytes under way at a time.

It is a plain epoll loop, for the load may not be what is slow, and its mask is zero, so that the message never changes.
"""

from __future__ import annotations

import select
import socket
import time

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: shop.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MESSAGE = b"\x82\xfe\x00\x80\x00\x00\x00\x00" + bytes(128)
ANSWER = b"\x82\x7e\x00\x80" + bytes(128)


def run(port: int, connections: int, seconds: float) -> tuple[int, float]:
    """How many messages came back, and in which time."""
    sockets = {client.fileno(): client for client in (_open(port) for _ in range(connections))}
    epoll = select.epoll()
    for client in sockets.values():
        epoll.register(client, select.EPOLLIN)
        client.sendall(MESSAGE)
    count, began = 0, time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        for descriptor, _ in epoll.poll(1):
            client = sockets[descriptor]
            if client.recv(4096) != ANSWER:
                raise SystemExit(f"a WebSocket message came back changed on port {port}")
            count += 1
            client.send(MESSAGE)
    for client in sockets.values():
        client.close()
    epoll.close()
    return count, now - began


def _open(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), 5)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(HANDSHAKE)
    answer = b""
    while b"\r\n\r\n" not in answer:
        received = client.recv(4096)
        if not received:
            break
        answer += received
    if not answer.startswith(b"HTTP/1.1 101"):
        raise SystemExit(f"no WebSocket on port {port}: {answer[:200]!r}")
    return client
