"""What a service is called and which requests it takes: names, hosts and path prefixes, and addresses to trust."""

from __future__ import annotations

import ipaddress
import re

from proxy.config.addresses import parse_hostname
from proxy.config.wording import described

SERVICE_NAME_PATTERN = r"[a-z0-9][a-z0-9_-]{0,62}"
_VISIBLE = re.compile(r"/[!-~]*")


def parse_service_name(value: object) -> str:
    """A name that fits in a URL, a metric label and a file name."""
    if not isinstance(value, str) or not re.fullmatch(SERVICE_NAME_PATTERN, value):
        raise ValueError("a service is named with 1 to 63 of a-z, 0-9, '-' and '_', the first a letter or a digit")
    return value


def parse_host_pattern(value: object) -> str:
    """An exact host, ``*.suffix`` or ``*``, lower-cased and without a port."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a host name, *.suffix or *, not {described(value)}")
    if value == "*":
        return value
    if "://" in value or "/" in value:
        raise ValueError(f"must be a host alone, without a scheme or a path, not {value!r}")
    if ":" in value and not value.endswith("]"):
        raise ValueError(f"must be a host without a port, not {value!r}: every port of 'listen' is matched")
    if value.startswith("[") and value.endswith("]"):
        return f"[{_ipv6(value[1:-1])}]"
    if value.endswith("."):
        raise ValueError(f"must be written without the final dot: {value.rstrip('.')!r}")
    wildcard, rest = ("*.", value[2:]) if value.startswith("*.") else ("", value)
    if "*" in rest:
        raise ValueError(f"a * may only be the whole host or its first label, as in *.example.com, not {value!r}")
    return wildcard + parse_hostname(rest)


def parse_exact_host(value: object) -> str:
    """One host, lower-cased and without a port."""
    host = parse_host_pattern(value)
    if "*" in host:
        raise ValueError(f"must be one host name, without a *, not {value!r}")
    return host


def parse_path_prefix(value: object) -> str:
    """A path prefix. ``/api/`` means the same as ``/api``, so the last slash is dropped."""
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError(f"must be a path that starts with /, not {described(value)}")
    if "*" in value:
        raise ValueError(f"is a prefix already and needs no *: write {value.split('*')[0]!r}")
    if "?" in value or "#" in value or not _VISIBLE.fullmatch(value):
        raise ValueError("must be the path alone, of visible ASCII characters without ? and #; percent-encode others")
    if any(segment in ("", ".", "..") for segment in value.removesuffix("/").split("/")[1:]):
        raise ValueError(f"must have no empty, . or .. segments, not {value!r}")
    return value.removesuffix("/") or "/"


def parse_probe_path(value: object) -> str:
    """The path of a health check, with a query if wanted."""
    if not isinstance(value, str) or not _VISIBLE.fullmatch(value) or "#" in value:
        raise ValueError(f"must be a path of visible ASCII characters that starts with /, not {described(value)}")
    return value


def parse_probe_host(value: object) -> str:
    """A Host field for health checks, with a port if wanted."""
    match = re.fullmatch(r"(?P<host>[^:]+)(:(?P<port>[0-9]{1,5}))?", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"must be a host name, with :port if wanted, not {described(value)}")
    host = parse_hostname(match["host"])
    return f"{host}:{match['port']}" if match["port"] else host


def parse_network(value: object) -> str:
    """A CIDR in canonical form; a lone address means itself."""
    if not isinstance(value, str):
        raise ValueError(f"must be a CIDR such as 10.0.0.0/8, not {described(value)}")
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        pass
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"must be a CIDR such as 10.0.0.0/8 or fd00::/8, not {value!r}") from None
    raise ValueError(f"{value!r} has bits set behind its prefix; write {network}")


def _ipv6(text: str) -> ipaddress.IPv6Address:
    try:
        return ipaddress.IPv6Address(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an IPv6 address") from None
