"""The Host field and the authority of a target (RFC 9110 7.2, RFC 3986 3.2)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from proxy.http1.errors import Reason, RequestError

# A registered name may hold a comma by RFC 3986. Not here: two Host values joined into one must never look like one.
_AUTHORITY: Final = re.compile(
    rb"((?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?"
).fullmatch


def routing_host(authority: bytes) -> bytes:
    """The host of an authority, in lower case and without the port. Raises :class:`RequestError` if it is no host."""
    match = _AUTHORITY(authority)
    if match is None:
        raise RequestError(Reason.HOST, "Host is not a name or an address, with or without a port")
    host, port = match.groups(b"")
    if host[:1] == b"[" and not _is_ipv6(host[1:-1]):
        raise RequestError(Reason.HOST, "Host is not an IPv6 address")
    if port and int(port) > 65535:
        raise RequestError(Reason.HOST, "the port of Host is out of range")
    return host.lower()


def _is_ipv6(text: bytes) -> bool:
    try:
        ipaddress.IPv6Address(text.decode("ascii"))
    except ValueError:
        return False
    return True
