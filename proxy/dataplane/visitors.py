"""Which client addresses have as many connections as one address may have."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Final

from proxy.shm.addresses import AddressCounts, Place

_IPV6_NETWORK: Final = 8
"""Bytes of an IPv6 address that count, a /64: one household or one machine may use all addresses of such a network."""


class Visitors:
    """Counts connections by address, for as long as there is a limit."""

    __slots__ = ("_counts",)

    def __init__(self, counts: AddressCounts | None) -> None:
        """``None`` counts nobody, so that no limit holds."""
        self._counts = counts

    def enter(self, address: str, limit: int) -> Place | None:
        """Count one more connection of an address; ``None`` if it has ``limit`` already."""
        return self._counts.enter(counted_as(address), limit) if self._counts is not None else (0, 0)

    def leave(self, place: Place) -> None:
        """A connection that was counted is gone."""
        if self._counts is not None:
            self._counts.leave(place)


def counted_as(address: str) -> bytes:
    """What is counted as one client: an IPv4 address, however it is written, or an IPv6 network of 64 bits."""
    ip = ip_address(address.partition("%")[0])  # a link-local address names its interface
    if isinstance(ip, IPv6Address):
        return ip.ipv4_mapped.packed if ip.ipv4_mapped is not None else ip.packed[:_IPV6_NETWORK]
    return ip.packed
