from __future__ import annotations

import socket

from proxy.demo.ports import free_ports, is_free


def test_a_port_is_taken_while_somebody_listens() -> None:
    """And free again afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_a_port_is_taken_by_who_listens_on_all_addresses() -> None:
    """Connections to loopback go there, too."""
    with socket.create_server(("0.0.0.0", 0)) as listener:
        assert not is_free(listener.getsockname()[1])


def test_free_ports_are_different() -> None:
    """However many are asked for."""
    assert len(set(free_ports(50))) == 50
