"""Latency at a fixed rate, counted from the moment at which each request was due.

Requests are due at even intervals whether or not earlier ones were answered, so a proxy that stops for a moment is
charged for all that should have been asked meanwhile. wrk and h2load ask late instead, and count from then.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import socket
import struct
import time
from array import array
from collections import deque

from benchmarks.peers import origin
from benchmarks.peers.loads import BROWSER, CONNECTIONS

REQUEST = "".join(f"{line}\r\n" for line in ("GET / HTTP/1.1", "Host: 127.0.0.1", *BROWSER, "")).encode()

_libc = ctypes.CDLL(None, use_errno=True)
_NONBLOCK, _ABSOLUTE = os.O_NONBLOCK, 1


class _Interval(ctypes.Structure):
    """``struct itimerspec``."""

    _fields_ = (("every", ctypes.c_long * 2), ("first", ctypes.c_long * 2))


def latencies(port: int, rate: float, seconds: float) -> array[int]:
    """Nanoseconds from when a request was due to its answer, of each, in order of size."""
    sockets = {client.fileno(): client for client in (_open(port) for _ in range(CONNECTIONS))}
    interval = round(1e9 / rate)
    first = time.monotonic_ns() + 10_000_000
    timer = _timer(first, interval)
    gc.disable()
    try:
        found = _ask(sockets, timer, first, interval, round(rate * seconds))
    finally:
        gc.enable()
        os.close(timer)
        for client in sockets.values():
            client.close()
    return array("q", sorted(found))


def _ask(sockets: dict[int, socket.socket], timer: int, first: int, interval: int, count: int) -> array[int]:
    epoll = select.epoll()
    for descriptor in (timer, *sockets):
        epoll.register(descriptor, select.EPOLLIN)
    idle, waiting = deque(sockets.values()), deque[int]()
    due_at: dict[int, int] = {}
    found = array("q")
    next_due, last = first, first + interval * count
    while len(found) < count:
        for descriptor, _ in epoll.poll(5) or _stuck():
            if descriptor == timer:
                (due,) = struct.unpack("Q", os.read(timer, 8))
                waiting.extend(range(next_due, min(next_due + due * interval, last), interval))
                next_due += due * interval
            else:
                client = sockets[descriptor]
                _check(client.recv(65536))
                found.append(time.monotonic_ns() - due_at[descriptor])
                idle.append(client)
            while waiting and idle:
                client = idle.popleft()
                due_at[client.fileno()] = waiting.popleft()
                client.send(REQUEST)
    epoll.close()
    return found


def _check(answer: bytes) -> None:
    if not (answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(origin.SMALL)):
        raise SystemExit(f"a bad answer at a fixed rate: {answer[:500]!r}")


def _stuck() -> list[tuple[int, int]]:
    raise SystemExit("no answer for five seconds")


def _open(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), 5)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def _timer(first: int, interval: int) -> int:
    """A timerfd that fires at ``first`` and then every ``interval`` (of the monotonic clock, in nanoseconds)."""
    timer = int(_libc.timerfd_create(time.CLOCK_MONOTONIC, _NONBLOCK))
    spec = _Interval(divmod(interval, 10**9), divmod(first, 10**9))
    if timer < 0 or _libc.timerfd_settime(timer, _ABSOLUTE, ctypes.byref(spec), None):
        raise OSError(ctypes.get_errno(), "timerfd")
    return timer
