from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.matching import (
    parse_host_pattern,
    parse_network,
    parse_path_prefix,
    parse_probe_host,
    parse_probe_path,
    parse_service_name,
)

PATH_ALONE = "must be the path alone, of visible ASCII characters without ? and #; percent-encode others"


@pytest.mark.parametrize(
    ("parse", "value", "parsed"),
    [
        (parse_service_name, "a", "a"),
        (parse_service_name, "0-a_b", "0-a_b"),
        (parse_service_name, "a" * 63, "a" * 63),
        (parse_host_pattern, "*", "*"),
        (parse_host_pattern, "Shop.Example.COM", "shop.example.com"),
        (parse_host_pattern, "*.Example.com", "*.example.com"),
        (parse_host_pattern, "10.0.0.1", "10.0.0.1"),
        (parse_host_pattern, "[0::1]", "[::1]"),
        (parse_path_prefix, "/", "/"),
        (parse_path_prefix, "/api/", "/api"),
        (parse_path_prefix, "/Api/v1.2/%C3%BC", "/Api/v1.2/%C3%BC"),
        (parse_probe_path, "/healthz?full=1", "/healthz?full=1"),
        (parse_probe_host, "Shop.example.com:8080", "shop.example.com:8080"),
        (parse_probe_host, "shop", "shop"),
        (parse_network, "10.0.0.0/8", "10.0.0.0/8"),
        (parse_network, "10.0.0.1", "10.0.0.1/32"),
        (parse_network, "FD00::/8", "fd00::/8"),
    ],
)
def test_good_values(parse: Callable[[object], str], value: str, parsed: str) -> None:
    """A good value is taken in its canonical form, and that form is a good value too."""
    assert parse(value) == parsed
    assert parse(parsed) == parsed


@pytest.mark.parametrize(
    ("parse", "value", "message"),
    [
        (parse_host_pattern, 5, "must be a host name, *.suffix or *, not 5"),
        (parse_host_pattern, "", "must be a host name, *.suffix or *, not ''"),
        (parse_host_pattern, "a:80", "must be a host without a port, not 'a:80': every port of 'listen' is matched"),
        (
            parse_host_pattern,
            "[::1]:80",
            "must be a host without a port, not '[::1]:80': every port of 'listen' is matched",
        ),
        (parse_host_pattern, "http://a", "must be a host alone, without a scheme or a path, not 'http://a'"),
        (parse_host_pattern, "a/b", "must be a host alone, without a scheme or a path, not 'a/b'"),
        (parse_host_pattern, "a.b.", "must be written without the final dot: 'a.b'"),
        (
            parse_host_pattern,
            "a.*",
            "a * may only be the whole host or its first label, as in *.example.com, not 'a.*'",
        ),
        (
            parse_host_pattern,
            "*a.b",
            "a * may only be the whole host or its first label, as in *.example.com, not '*a.b'",
        ),
        (parse_host_pattern, "*.", "must be written without the final dot: '*'"),
        (parse_host_pattern, "a b", "'a b' is not a host name or an IP address"),
        (parse_host_pattern, "[x]", "'x' is not an IPv6 address"),
        (parse_path_prefix, "api", "must be a path that starts with /, not 'api'"),
        (parse_path_prefix, None, "must be a path that starts with /, not nothing (null)"),
        (parse_path_prefix, "/api/*", "is a prefix already and needs no *: write '/api/'"),
        (parse_path_prefix, "/a?b", PATH_ALONE),
        (parse_path_prefix, "/a b", PATH_ALONE),
        (parse_path_prefix, "/ü", PATH_ALONE),
        (parse_path_prefix, "//", "must have no empty, . or .. segments, not '//'"),
        (parse_path_prefix, "/a/../b", "must have no empty, . or .. segments, not '/a/../b'"),
        (
            parse_probe_path,
            "/a\r\nX: y",
            r"must be a path of visible ASCII characters that starts with /, not '/a\r\nX: y'",
        ),
        (parse_probe_path, "healthz", "must be a path of visible ASCII characters that starts with /, not 'healthz'"),
        (parse_probe_host, "a\r\nX: y", r"must be a host name, with :port if wanted, not 'a\r\nX: y'"),
        (parse_probe_host, True, "must be a host name, with :port if wanted, not true"),
        (parse_network, "10.0.0.1/8", "'10.0.0.1/8' has bits set behind its prefix; write 10.0.0.0/8"),
        (parse_network, "10.0.0.0/33", "must be a CIDR such as 10.0.0.0/8 or fd00::/8, not '10.0.0.0/33'"),
        (parse_network, "proxy.local", "must be a CIDR such as 10.0.0.0/8 or fd00::/8, not 'proxy.local'"),
        (parse_network, 167772160, "must be a CIDR such as 10.0.0.0/8, not 167772160"),
    ],
)
def test_bad_values(parse: Callable[[object], str], value: object, message: str) -> None:
    """Everything else is refused with what to write instead; nothing can smuggle a line break into a request."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        parse(value)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["", "A", "-a", "_a", "a b", "a" * 64, "ü", "a\n", None, 1])
def test_bad_service_names(name: object) -> None:
    """A service name fits in a URL, a label and a file name."""
    with pytest.raises(ValueError, match=r"^a service is named with 1 to 63 of a-z"):
        parse_service_name(name)


@given(st.text() | st.none() | st.integers() | st.booleans())
def test_anything_is_parsed_or_refused(value: object) -> None:
    """Any value gives text of visible ASCII or a ValueError, and never anything else."""
    for parse in (parse_host_pattern, parse_path_prefix, parse_probe_host, parse_probe_path, parse_network):
        with contextlib.suppress(ValueError):
            parsed = parse(value)
            assert parsed.isascii()
            assert parsed.isprintable()
