from __future__ import annotations

import pytest

from proxy.http1.errors import Reason, RequestError
from proxy.http1.hosts import routing_host


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        (b"example.com", b"example.com"),
        (b"Example.COM:8080", b"example.com"),
        (b"example.com:", b"example.com"),
        (b"my_service:80", b"my_service"),
        (b"127.0.0.1:65535", b"127.0.0.1"),
        (b"[::1]:8080", b"[::1]"),
        (b"[2001:DB8::1]", b"[2001:db8::1]"),
        (b"caf%C3%A9.example", b"caf%c3%a9.example"),
    ],
)
def test_host_for_routing(authority: bytes, host: bytes) -> None:
    """Routing sees the host in lower case and without its port."""
    assert routing_host(authority) == host


@pytest.mark.parametrize(
    "authority",
    [
        b"",
        b":80",
        b"a.example,b.example",
        b"user@example.com",
        b"user:secret@example.com",
        b"example.com/path",
        b"example.com?query",
        b"example.com#fragment",
        b"exa mple.com",
        b"example.com:http",
        b"example.com:-1",
        b"example.com:65536",
        b"example.com:123456",
        b"example.com:80:80",
        b"::1",
        b"[::1",
        b"[::1]x",
        b"[]",
        b"[:::]",
        b"[1.2.3.4]",
        b"[::1%25eth0]",
        b"caf\xc3\xa9.example",
        b"%zz",
        b"a\\b",
        b"a\x00b",
        b'"a"',
    ],
)
def test_what_is_no_host_is_refused(authority: bytes) -> None:
    """Whatever two servers might read as two hosts is refused."""
    with pytest.raises(RequestError) as error:
        routing_host(authority)
    assert error.value.reason is Reason.HOST
