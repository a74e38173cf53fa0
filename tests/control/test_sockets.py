from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from proxy.config.addresses import TcpAddress, UnixAddress
from proxy.config.settings import ListenSettings
from proxy.control.sockets import BACKLOG, ListenError, close_listeners, listen_on, open_listeners
from tests.harness.processes import free_port


def test_tcp_listener_accepts_and_is_not_inherited_by_accident() -> None:
    """An opened address takes connections at once; only workers that are handed the descriptor get it."""
    address = TcpAddress("127.0.0.1", free_port())

    (listener,) = open_listeners([ListenSettings(address)], beside_predecessors=False)

    assert listener.name == str(address)
    assert not os.get_inheritable(listener.fd)
    assert not listener.socket.getblocking()
    with socket.create_connection((address.host, address.port)):
        pass
    close_listeners([listener])


def test_both_ip_versions_listen_on_the_same_port() -> None:
    """``0.0.0.0`` and ``[::]`` are two addresses that do not get in each other's way."""
    port = free_port()

    listeners = open_listeners(
        [ListenSettings(TcpAddress("0.0.0.0", port)), ListenSettings(TcpAddress("::", port))], beside_predecessors=False
    )

    assert [listener.name for listener in listeners] == [f"0.0.0.0:{port}", f"[::]:{port}"]
    close_listeners(listeners)


def test_a_port_in_use_is_one_clear_error_and_opens_nothing() -> None:
    """Two programs never share a port without a word, and a half-opened front door is closed again."""
    taken, free = TcpAddress("127.0.0.1", free_port()), TcpAddress("127.0.0.1", free_port())
    (first,) = open_listeners([ListenSettings(taken)], beside_predecessors=False)

    with pytest.raises(ListenError, match=rf"^cannot listen on 127\.0\.0\.1:{taken.port}: address already in use$"):
        open_listeners([ListenSettings(free), ListenSettings(taken)], beside_predecessors=False)

    close_listeners(open_listeners([ListenSettings(free)], beside_predecessors=False))
    close_listeners([first])


def test_a_successor_listens_beside_its_predecessors() -> None:
    """The port of workers that outlived their supervisor can be opened again, and stays open when they leave.

    Until somebody serves the new socket, every connection goes to the old one.
    """
    address = TcpAddress("127.0.0.1", free_port())
    (old,) = open_listeners([ListenSettings(address)], beside_predecessors=False)

    (new,) = open_listeners([ListenSettings(address)], beside_predecessors=True)
    for _ in range(20):
        with socket.create_connection((address.host, address.port)):
            old.socket.accept()[0].close()
    new.socket.listen()
    close_listeners([old])

    with socket.create_connection((address.host, address.port)):
        new.socket.accept()[0].close()
    close_listeners([new])


def test_a_stranger_keeps_its_port_even_during_a_takeover() -> None:
    """A port that another program listens on is never shared."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        address = TcpAddress("127.0.0.1", stranger.getsockname()[1])

        with pytest.raises(ListenError, match="address already in use"):
            open_listeners([ListenSettings(address)], beside_predecessors=True)


def test_an_address_that_is_not_ours_is_named() -> None:
    """The message says which address this machine does not have."""
    with pytest.raises(ListenError, match=r"cannot listen on 192\.0\.2\.1:80: cannot assign requested address"):
        open_listeners([ListenSettings(TcpAddress("192.0.2.1", 80))], beside_predecessors=False)


def test_a_name_is_listened_on_with_all_its_addresses() -> None:
    """``localhost`` works for whoever comes to 127.0.0.1."""
    address = TcpAddress("localhost", free_port())

    listeners = open_listeners([ListenSettings(address)], beside_predecessors=False)

    with socket.create_connection(("127.0.0.1", address.port)):
        pass
    close_listeners(listeners)


def test_unix_socket_gets_its_mode_and_a_long_queue(tmp_path: Path) -> None:
    """A unix socket is there under its name with the permissions asked for, and nothing else is left beside it."""
    path = tmp_path / "door.sock"

    (sock,) = listen_on(UnixAddress(path), mode=0o600)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["door.sock"]
    clients = [socket.socket(socket.AF_UNIX) for _ in range(min(BACKLOG, 200))]
    for client in clients:
        client.connect(str(path))
    for client in (*clients, sock):
        client.close()


def test_a_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    """The file that a killed program left behind is no obstacle."""
    address = UnixAddress(tmp_path / "door.sock")
    listen_on(address)[0].close()

    (sock,) = listen_on(address)

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(address.path))
    sock.close()


def test_a_unix_socket_in_use_is_refused_unless_shared(tmp_path: Path) -> None:
    """Nobody's socket file is taken away while somebody answers on it, except in a takeover."""
    address = UnixAddress(tmp_path / "door.sock")
    (first,) = listen_on(address)

    with pytest.raises(ListenError, match="address already in use"):
        listen_on(address)
    (second,) = listen_on(address, shared=True)

    first.close()
    second.close()


def test_a_plain_file_is_never_replaced_by_a_socket(tmp_path: Path) -> None:
    """A mistyped path does not cost a file."""
    path = tmp_path / "notes.txt"
    path.write_text("precious")

    with pytest.raises(ListenError, match="not a socket"):
        listen_on(UnixAddress(path))

    assert path.read_text() == "precious"
