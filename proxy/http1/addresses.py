"""IP addresses as others write them, in the one spelling that is used here."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

_WITH_PORT: Final = re.compile(
    rb"([0-9.]{7,15})(?::[0-9]{1,5})?|\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45})"
).fullmatch


def shortest_address(written: str | bytes) -> str:
    """An address, given as text or as its 4 or 16 bytes, in its shortest form. Raises ``ValueError`` if it is none.

    An IPv4 address inside an IPv6 one is the IPv4 address: it is the same client, on whatever socket it was met.
    """
    address = ipaddress.ip_address(written)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def address_of_node(node: bytes) -> str | None:
    """The address in an element of X-Forwarded-For, which may have a port; ``None`` if there is none in it."""
    match = _WITH_PORT(node)
    if match is None:
        return None
    try:
        return shortest_address((match[1] or match[2] or match[3]).decode("ascii"))
    except ValueError:
        return None
