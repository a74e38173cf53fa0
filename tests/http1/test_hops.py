from __future__ import annotations

import pytest

from proxy.http1.errors import Reason, RequestError
from proxy.http1.forwarding import Forwarding, forward_request
from proxy.http1.heads import RequestHead
from proxy.http1.request import read_request
from tests.http1.heads import strict_fields


def _read(method: bytes, *fields: bytes) -> RequestHead:
    head = b"\r\n".join([method + b" / HTTP/1.1", b"Host: a", *fields, b"", b""])
    return read_request(head, max_headers=10)


def _left(head: RequestHead) -> list[bytes]:
    sent = strict_fields(forward_request(head, Forwarding(peer=b"::1"), b"id"))
    return [value for name, value in sent if name == b"max-forwards"]


@pytest.mark.parametrize(
    ("before", "after"), [(b"1", b"0"), (b"10", b"9"), (b"007", b"6"), (b"9999999999", b"9999999998")]
)
def test_a_hop_is_spent(before: bytes, after: bytes) -> None:
    """Each proxy on the way takes one off, and passes the request on while there was one."""
    head = _read(b"OPTIONS", b"max-forwards: " + before)
    assert not head.last_hop
    assert _left(head) == [after]


@pytest.mark.parametrize("none", [b"0", b"000"])
def test_at_the_last_hop_it_is_answered(none: bytes) -> None:
    """Nobody further on is asked."""
    assert _read(b"OPTIONS", b"Max-Forwards: " + none).last_hop


@pytest.mark.parametrize("method", [b"GET", b"POST", b"HEAD"])
def test_other_methods_do_not_count_hops(method: bytes) -> None:
    """The field means nothing there (RFC 9110 7.6.2), so it passes unchanged, whatever it holds."""
    head = _read(method, b"Max-Forwards: 0", b"Max-Forwards: x")
    assert not head.last_hop
    assert _left(head) == [b"0", b"x"]


@pytest.mark.parametrize(
    "fields", [[b"Max-Forwards:"], [b"Max-Forwards: -1"], [b"Max-Forwards: 1, 2"], [b"Max-Forwards: 1"] * 2]
)
def test_what_is_no_number_is_refused(fields: list[bytes]) -> None:
    """Two servers could count it in two ways."""
    with pytest.raises(RequestError) as caught:
        _read(b"OPTIONS", *fields)
    assert caught.value.reason is Reason.FIELD
