from __future__ import annotations

import json

import pytest

from proxy.control.hooks.call import calls
from proxy.control.hooks.moves import read_moves
from proxy.traffic.rollout.plan import ManualHook
from tests.control.hooks.conftest import rolling

(CALL,) = calls(rolling(ManualHook()))


@pytest.mark.parametrize(
    ("addresses", "moves"),
    [
        ({"a:2": "b:2", "a:3": "b:3"}, {"a:2": "b:2", "a:3": "b:3"}),
        ({"a:2": "a:3", "a:3": "a:2"}, {"a:2": "a:3", "a:3": "a:2"}),
        ({"A:2": "a:2"}, {}),
        (None, {}),
    ],
)
def test_new_addresses(addresses: object, moves: dict[str, str]) -> None:
    """In one spelling, and without those that stay; servers of one batch may change places."""
    assert read_moves(json.dumps({"addresses": addresses, "more": 1}).encode(), CALL) == moves


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ('{"addresses": {"a:2": "b"}}', "the address for 'a:2': 'b' has no port; write host:port"),
        ('{"addresses": {"a:2": 7}}', "the address for 'a:2': must be host:port, not 7"),
        ('{"addresses": {"\\u001b:2": "b:2"}}', "'\\x1b' is not a host name or an IP address"),
        ('{"addresses": {"a:1": "b:1"}}', "a:1 is not among the servers of this batch: a:2, a:3"),
        ('{"addresses": {"a:2": "b:2", "a:2": "b:3"}}', "'a:2' is there twice"),
        ('{"addresses": {"a:2": "b:2", "A:2": "b:3"}}', "a:2 is there twice"),
        ('{"addresses": {"a:2": "b:2", "a:3": "B:2"}}', "b:2, the new address of a:2, is that of another server"),
        ('{"addresses": {"a:2": "a:3"}}', "a:3, the new address of a:2, is that of another server"),
        ('{"addresses": {"a:2": "a:4"}}', "a:4, the new address of a:2, is that of another server"),
        ('{"addresses": ["b:2"]}', "addresses is not an object with old addresses and their new ones"),
        ("[" * 100_000, "it is not JSON"),
        ("b:2", "it is not JSON: Expecting value in line 1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_not_possible_is_named(document: str, complaint: str) -> None:
    """The message says which address it is about."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - its text is compared as a whole
        read_moves(document.encode(), CALL)
    assert str(error.value) == complaint


def test_what_is_no_text() -> None:
    """Bytes that mean nothing."""
    with pytest.raises(ValueError, match="it is not UTF-8"):
        read_moves(b'{"\xff": 1}', CALL)
