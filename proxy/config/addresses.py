"""Addresses to listen on and to connect to: one spelling each, so that equal addresses are equal text."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path

from proxy.config.wording import described

UNIX_PREFIX = "unix:"
_LONGEST_UNIX_PATH = 107
"""Bytes: ``sun_path`` has 108, the last of which is a zero."""

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_NAME = 253


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A host and a port. The host is a lower-case name or an IP address in its shortest form, without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        ip = _ip(self.host)
        return ip.is_loopback if ip else self.host.removesuffix(".") == "localhost"

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for every address of this machine."""
        ip = _ip(self.host)
        return ip is not None and ip.is_unspecified

    def overlaps(self, other: TcpAddress) -> bool:
        """Whether both cannot be listened on at once."""
        if self.port != other.port:
            return False
        return self.host == other.host or (self._same_family(other) and (self.is_wildcard or other.is_wildcard))

    def reaches(self, listener: TcpAddress) -> bool:
        """Whether a connection to this address ends at that listener, as far as the spelling can tell."""
        if self.port != listener.port:
            return False
        if self.host == listener.host:
            return True
        local = self.is_loopback or self.is_wildcard
        if "localhost" in (self.host, listener.host):
            return local and (listener.is_loopback or listener.is_wildcard)
        # Connecting to a wildcard address reaches the loopback of its family.
        return self._same_family(listener) and local and (self.is_wildcard or listener.is_wildcard)

    def _same_family(self, other: TcpAddress) -> bool:
        return (":" in self.host) == (":" in other.host)


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A unix socket."""

    path: Path

    def __str__(self) -> str:
        return f"{UNIX_PREFIX}{self.path}"


Address = TcpAddress | UnixAddress


def parse_address(value: object) -> Address:
    """``host:port``, ``[v6]:port`` or ``unix:PATH``. Raises ``ValueError`` for the person who wrote it."""
    if not isinstance(value, str):
        raise ValueError(f"must be an address such as 0.0.0.0:8080, [::]:8080 or unix:PATH, not {described(value)}")
    if value.startswith(UNIX_PREFIX):
        return _parse_unix(value.removeprefix(UNIX_PREFIX))
    if re.match(r"\*?:[0-9]+$", value):
        port = value.rpartition(":")[2]
        raise ValueError(
            f"{value!r} names no host; write 0.0.0.0:{port} for every IPv4 address or [::]:{port} for IPv6"
        )
    return parse_tcp_address(value)


def parse_tcp_address(value: object) -> TcpAddress:
    """``host:port`` or ``[v6]:port`` in canonical form. Raises ``ValueError`` for the person who wrote it."""
    if not isinstance(value, str):
        raise ValueError(f"must be host:port, not {described(value)}")
    if "://" in value:
        raise ValueError(f"must be host:port without a scheme or a path, not {value!r}")
    if value.startswith(UNIX_PREFIX):
        raise ValueError("must be host:port; a unix socket is not possible here")
    host, colon, port = value.rpartition(":")
    if not colon or value.endswith("]"):
        raise ValueError(f"{value!r} has no port; write host:port")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError(f"{value!r} is not host:port; an IPv6 address stands in brackets, as in [::1]:8080")
    return TcpAddress(_parse_host(host), _parse_port(port))


def parse_hostname(text: str) -> str:
    """A name or IPv4 address, lower-cased. Raises ``ValueError`` for the person who wrote it."""
    name = text.lower()
    if not name.isascii():
        raise ValueError(f"{text!r} is not ASCII; write an international name in its xn-- form")
    labels = name.removesuffix(".").split(".")
    if len(name) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{text!r} is not a host name or an IP address")
    if labels[-1].isdigit() and _ip(name) is None:
        raise ValueError(f"{text!r} is not an IPv4 address: it needs four numbers from 0 to 255")
    return name


def _parse_host(host: str) -> str:
    if not host.startswith("["):
        return parse_hostname(host)
    ip = _ip(host[1:-1])
    if not isinstance(ip, ipaddress.IPv6Address):
        raise ValueError(f"{host} is not an IPv6 address")
    return str(ip)


def _parse_port(port: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise ValueError(f"the port must be a number from 1 to 65535, not {described(port)}")
    return int(port)


def _parse_unix(path: str) -> UnixAddress:
    if not path or not path.isprintable():
        raise ValueError("unix: must be followed by the path of a socket")
    return UnixAddress(Path(path))


def resolved(address: Address, base: Path) -> Address:
    """The address with a relative socket path taken from ``base``. Raises ``ValueError`` if it is too long to bind."""
    if isinstance(address, TcpAddress):
        return address
    path = base / address.path
    if len(os.fsencode(path)) > _LONGEST_UNIX_PATH:
        raise ValueError(f"the path of a unix socket may have {_LONGEST_UNIX_PATH} bytes, but {str(path)!r} is longer")
    return UnixAddress(path)


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
