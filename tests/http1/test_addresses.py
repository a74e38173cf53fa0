from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.addresses import address_of_node, shortest_address


@pytest.mark.parametrize(
    ("written", "shortest"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (bytes([192, 0, 2, 1]), "192.0.2.1"),
        ("2001:DB8:0:0::0001", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        (b"\0" * 10 + b"\xff\xff" + bytes([192, 0, 2, 1]), "192.0.2.1"),
    ],
)
def test_an_address_has_one_spelling(written: str | bytes, shortest: str) -> None:
    """However it was written, equal addresses are equal text."""
    assert shortest_address(written) == shortest


@given(st.ip_addresses())
def test_every_address_is_found_with_and_without_a_port(ip: object) -> None:
    """A proxy may add the client's port, IPv6 in brackets then."""
    text = shortest_address(str(ip))
    bracketed = f"[{ip}]" if ":" in str(ip) else str(ip)
    for node in (str(ip), bracketed, f"{bracketed}:65535"):
        assert address_of_node(node.encode()) == text


@given(st.binary(max_size=20) | st.from_regex(rb"[0-9a-f.:\[\]]{1,30}", fullmatch=True))
def test_anything_else_is_no_address(node: bytes) -> None:
    """No text makes it stumble."""
    found = address_of_node(node)
    assert found is None or str(ip_address(found)) == found
