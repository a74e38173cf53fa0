"""Where this program lets nobody send it."""

from __future__ import annotations

import ipaddress

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset({ipaddress.ip_address("fd00:ec2::254")})
"""Where clouds tell machines their secrets, as far as that is no link-local address."""


def plain_ip(text: str) -> IpAddress:
    """An IP address; an IPv4 address that was written as an IPv6 one is the IPv4 address."""
    ip = ipaddress.ip_address(text)
    return getattr(ip, "ipv4_mapped", None) or ip


def why_forbidden(ip: IpAddress) -> str | None:
    """Why nothing may be sent to this address at somebody's wish, or ``None`` if it may."""
    if ip.is_link_local or ip in _METADATA:
        return f"{ip} is link-local, where clouds keep the secrets of machines"
    if ip.is_multicast:
        return f"{ip} stands for a group, not for a server"
    return None


def why_forbidden_host(host: str) -> str | None:
    """The same of the host of a URL. What a name stands for is looked at when it is asked: it may change until then."""
    try:
        return why_forbidden(plain_ip(host.partition("%")[0]))
    except ValueError:  # a name
        return None
