"""The sockets of the front door and of the admin API: opened by the supervisor, which keeps them open while it lives.

Every worker inherits the same ones, so a worker's death closes nothing and loses no connection that waits to be
accepted. They carry SO_REUSEPORT for one reason: after the death of a supervisor its workers go on listening, and the
next one has to get in beside them (see :mod:`proxy.control.predecessors`). A port that anybody else listens on is still
an error.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.config.addresses import Address, TcpAddress, UnixAddress
from proxy.config.settings import ListenSettings

BACKLOG = 4096
"""Connections that may wait to be accepted; the kernel cuts it to ``net.core.somaxconn``."""

_SO_ATTACH_FILTER = 26
_BPF_RETURN = 0x06

_NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


class ListenError(Exception):
    """An address cannot be listened on. The text names the address and says why."""

    def __init__(self, address: Address, reason: str) -> None:
        super().__init__(f"cannot listen on {address}: {reason}")


@dataclass(frozen=True, slots=True)
class Listener:
    """One open listening socket, and the address as the config file writes it."""

    name: str
    socket: socket.socket
    proxy_protocol: bool = False
    """Whether every connection to it begins with a PROXY header."""

    @property
    def fd(self) -> int:
        """The descriptor to hand to workers."""
        return self.socket.fileno()


def open_listeners(places: Sequence[ListenSettings], *, beside_predecessors: bool) -> tuple[Listener, ...]:
    """Listen on every address, or on none.

    A host name is listened on with each of the addresses it stands for.

    Args:
        places: what the config file says.
        beside_predecessors: whether workers of a dead supervisor may be listening there already. TCP sockets are only
            bound then: they take their share of connections once somebody serves them, who begins to listen.

    Raises:
        ListenError: somebody else listens there, or this machine has no such address, or it is not allowed.
    """
    opened: list[Listener] = []
    try:
        for place in places:
            sockets = listen_on(place.address, shared=beside_predecessors, bind_only=beside_predecessors)
            opened += [Listener(str(place.address), sock, place.proxy_protocol) for sock in sockets]
    except ListenError:
        close_listeners(opened)
        raise
    return tuple(opened)


def close_listeners(listeners: Sequence[Listener]) -> None:
    """Close them. Connections that nobody has accepted are reset: the workers must have emptied the queues before."""
    for listener in listeners:
        listener.socket.close()


def turn_away(listeners: Sequence[Listener]) -> None:
    """Take no new connections and let go of the sockets; the workers still hold them and take what waits in the queues.

    First the kernel is told to drop whatever arrives, so that between a worker's last look at a queue and its close no
    connection gets in that nobody would answer: its client tries again and is refused.
    """
    for listener in listeners:
        if listener.socket.family != socket.AF_UNIX and listener.socket.fileno() >= 0:
            with contextlib.suppress(OSError):  # without it a few microseconds are left in which one could get in
                attach_program(listener.socket, _SO_ATTACH_FILTER, answer=0)
    close_listeners(listeners)


def attach_program(sock: socket.socket, option: int, *, answer: int) -> None:
    """Attach the shortest packet program there is: its answer to every packet is one number (socket(7))."""
    program = struct.pack("HBBI", _BPF_RETURN, 0, 0, answer)
    memory = ctypes.create_string_buffer(program)
    sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("HL", 1, ctypes.addressof(memory)))


def listen_on(
    address: Address, *, shared: bool = False, bind_only: bool = False, mode: int = 0o666
) -> list[socket.socket]:
    """Open non-blocking sockets that listen on one address.

    Args:
        address: where to.
        shared: whether other sockets of this user, opened here before, may be listening there already.
        bind_only: leave it to others to begin to listen on TCP.
        mode: the permissions of a unix socket's file.

    Raises:
        ListenError: it is not possible.
    """
    try:
        if isinstance(address, UnixAddress):
            return [_listen_unix(address.path, shared=shared, mode=mode)]
        return _listen_tcp(address, shared=shared, bind_only=bind_only)
    except OSError as error:
        reason = error.strerror if isinstance(error.strerror, str) else str(error)
        raise ListenError(address, reason[:1].lower() + reason[1:]) from error


def _listen_tcp(address: TcpAddress, *, shared: bool, bind_only: bool) -> list[socket.socket]:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, _, _, _, place in dict.fromkeys(found):
            try:
                sockets.append(_bind_tcp(family, place, shared=shared, bind_only=bind_only))
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                missing = error  # localhost may stand for ::1 on a machine without IPv6
        if missing is not None and not sockets:
            raise missing
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _bind_tcp(family: int, place: tuple[object, ...], *, shared: bool, bind_only: bool) -> socket.socket:
    if not shared:
        # SO_REUSEPORT alone would let two programs share a port without a word. Binding without it asks who is there.
        with _tcp_socket(family) as trial:
            trial.bind(place)
    sock = _tcp_socket(family)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(place)
        if not bind_only:
            sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _tcp_socket(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock


def _listen_unix(path: Path, *, shared: bool, mode: int) -> socket.socket:
    """Listen under a name of our own, then rename it over: no moment without a socket, and no stale file in the way."""
    _refuse_taken(path, shared=shared)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        fresh.unlink(missing_ok=True)
        sock.bind(os.fspath(fresh))
        fresh.chmod(mode)
        sock.listen(BACKLOG)
        fresh.rename(path)
    except OSError:
        sock.close()
        fresh.unlink(missing_ok=True)
        raise
    return sock


def _refuse_taken(path: Path, *, shared: bool) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OSError(errno.EEXIST, "there is a file of that name, and it is not a socket")
        if not shared and _somebody_answers(path):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _somebody_answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as trial:
        try:
            trial.connect(os.fspath(path))
        except BlockingIOError:  # its queue is full, so somebody listens
            return True
        except OSError:
            return False
        return True
