"""What counts as one client address."""

from __future__ import annotations

import pytest

from proxy.dataplane.visitors import Visitors, counted_as


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("2001:db8::1", "2001:db8::ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("::1", "127.0.0.1", False),
    ],
)
def test_what_is_counted_as_one(one: str, other: str, *, same: bool) -> None:
    """An IPv4 address however it is written, or an IPv6 network of 64 bits."""
    assert (counted_as(one) == counted_as(other)) is same


def test_without_a_table_nobody_is_turned_away() -> None:
    """A worker that was given none lets everybody in."""
    visitors = Visitors(None)
    places = [visitors.enter("10.0.0.1", 1) for _ in range(3)]
    for place in places:
        assert place is not None
        visitors.leave(place)
