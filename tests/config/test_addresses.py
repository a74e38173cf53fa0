from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.addresses import TcpAddress, UnixAddress, parse_address, parse_tcp_address, resolved


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("0.0.0.0:080", "0.0.0.0:80"),
        ("Example.COM:8080", "example.com:8080"),
        ("web_1:80", "web_1:80"),
        ("web.svc.cluster.local.:80", "web.svc.cluster.local.:80"),
        ("[::1]:80", "[::1]:80"),
        ("[0:0:0:0:0:0:0:1]:80", "[::1]:80"),
        ("[FD00::A]:65535", "[fd00::a]:65535"),
        ("unix:run/front.sock", "unix:run/front.sock"),
        ("unix:/run/../x", "unix:/run/../x"),
    ],
)
def test_addresses_have_one_spelling(text: str, canonical: str) -> None:
    """Equal addresses become equal text, and that text is read as the same address."""
    address = parse_address(text)
    assert str(address) == canonical
    assert parse_address(canonical) == address


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (8080, "must be an address such as 0.0.0.0:8080, [::]:8080 or unix:PATH, not 8080"),
        (":8080", "':8080' names no host; write 0.0.0.0:8080 for every IPv4 address or [::]:8080 for IPv6"),
        ("*:8080", "'*:8080' names no host; write 0.0.0.0:8080 for every IPv4 address or [::]:8080 for IPv6"),
        ("unix:", "unix: must be followed by the path of a socket"),
        ("unix:a\0b", "unix: must be followed by the path of a socket"),
        ("localhost", "'localhost' has no port; write host:port"),
        ("[::1]", "'[::1]' has no port; write host:port"),
        ("::1:80", "'::1:80' is not host:port; an IPv6 address stands in brackets, as in [::1]:8080"),
        ("[1.2.3.4]:80", "[1.2.3.4] is not an IPv6 address"),
        ("[::g]:80", "[::g] is not an IPv6 address"),
        ("http://a:80", "must be host:port without a scheme or a path, not 'http://a:80'"),
        ("a:80/x", "the port must be a number from 1 to 65535, not '80/x'"),
        ("a:0", "the port must be a number from 1 to 65535, not '0'"),
        ("a:65536", "the port must be a number from 1 to 65535, not '65536'"),
        ("a:+80", "the port must be a number from 1 to 65535, not '+80'"),
        ("a:", "the port must be a number from 1 to 65535, not ''"),
        ("a b:80", "'a b' is not a host name or an IP address"),
        ("-a:80", "'-a' is not a host name or an IP address"),
        ("a..b:80", "'a..b' is not a host name or an IP address"),
        (f"{'a' * 64}:80", f"'{'a' * 64}' is not a host name or an IP address"),
        ("127.0.0.256:80", "'127.0.0.256' is not an IPv4 address: it needs four numbers from 0 to 255"),
        ("127.1:80", "'127.1' is not an IPv4 address: it needs four numbers from 0 to 255"),
        ("010.0.0.1:80", "'010.0.0.1' is not an IPv4 address: it needs four numbers from 0 to 255"),
        ("bücher.de:80", "'bücher.de' is not ASCII; write an international name in its xn-- form"),
    ],
)
def test_what_is_no_address(value: object, message: str) -> None:
    """Everything else is refused with what to write instead."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        parse_address(value)
    assert str(caught.value) == message


def test_an_upstream_is_no_unix_socket() -> None:
    """Where only TCP is possible, a socket path is refused by name."""
    with pytest.raises(ValueError, match="a unix socket is not possible here"):
        parse_tcp_address("unix:/run/x.sock")


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.9.9.9:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("LOCALHOST.:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("10.0.0.1:1", False),
        ("localhost.evil.com:1", False),
    ],
)
def test_loopback(text: str, loopback: bool) -> None:
    """Only addresses that nobody else can reach count as loopback."""
    assert parse_tcp_address(text).is_loopback is loopback


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("0.0.0.0:80", "127.0.0.1:80", True),
        ("[::]:80", "[::1]:80", True),
        ("0.0.0.0:80", "[::]:80", False),
        ("127.0.0.1:80", "127.0.0.2:80", False),
        ("127.0.0.1:80", "127.0.0.1:81", False),
    ],
)
def test_overlapping_listeners(one: str, other: str, overlap: bool) -> None:
    """Two listeners collide on the same host, or where one of the same family takes every address."""
    first, second = parse_tcp_address(one), parse_tcp_address(other)
    assert first.overlaps(second) is overlap
    assert second.overlaps(first) is overlap


@pytest.mark.parametrize(
    ("upstream", "listener", "reached"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("127.0.0.1:80", "0.0.0.0:80", True),
        ("localhost:80", "127.0.0.1:80", True),
        ("localhost:80", "[::]:80", True),
        ("127.0.0.1:80", "localhost:80", True),
        ("0.0.0.0:80", "127.0.0.1:80", True),
        ("[::1]:80", "0.0.0.0:80", False),
        ("127.0.0.2:80", "127.0.0.1:80", False),
        ("10.0.0.1:80", "0.0.0.0:80", False),
        ("127.0.0.1:81", "0.0.0.0:80", False),
    ],
)
def test_upstreams_that_are_ourselves(upstream: str, listener: str, reached: bool) -> None:
    """A connection to our own listener is recognised where the spelling can tell."""
    assert parse_tcp_address(upstream).reaches(parse_tcp_address(listener)) is reached


def test_a_socket_path_starts_at_the_base() -> None:
    """A relative path is taken from the base, an absolute one and a TCP address stay as they are."""
    assert resolved(UnixAddress(Path("a.sock")), Path("/srv")) == UnixAddress(Path("/srv/a.sock"))
    assert resolved(UnixAddress(Path("/run/a.sock")), Path("/srv")) == UnixAddress(Path("/run/a.sock"))
    assert resolved(TcpAddress("a", 1), Path("/srv")) == TcpAddress("a", 1)


def test_a_socket_path_that_no_kernel_takes() -> None:
    """A path beyond the 107 bytes of a unix address is refused, not cut."""
    longest = UnixAddress(Path("/" + "x" * 106))
    assert resolved(longest, Path("/")) == longest
    with pytest.raises(ValueError, match="may have 107 bytes"):
        resolved(UnixAddress(Path("ü" * 54)), Path("/"))


@given(st.ip_addresses(), st.integers(min_value=1, max_value=65535))
def test_every_ip_address_survives_the_round_trip(ip: object, port: int) -> None:
    """Whatever the IP address, its canonical text is read as the same address."""
    address = TcpAddress(str(ip), port)
    assert parse_tcp_address(str(address)) == address


@given(st.text() | st.none() | st.integers())
def test_anything_is_an_address_or_refused(value: object) -> None:
    """Any value gives an address or a ValueError, and never anything else."""
    with contextlib.suppress(ValueError):
        assert str(parse_address(value))
