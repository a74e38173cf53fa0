"""Who is green: every user has one fixed place among all of them, and the split says up to which place green reaches.

A place is a number from 0 to 9,999. A user is on green while it is below green's share in hundredths of a percent. So
whoever is on green stays there while the share grows, and all come back when it falls to nothing.

Users who bring something of their own (a header, an address, an application's cookie) have the place that a keyed hash
of it gives them. Among 50,000 of them a share is then off by some tenths of a percent, as chance has it. Users to whom
a cookie of ours is given are dealt their places evenly, so that there a share is exact.
"""

from __future__ import annotations

from hashlib import blake2b
from ipaddress import IPv6Address
from typing import Final

from proxy.traffic.model import FULL_SPLIT
from proxy.traffic.spec import Color

_BLUE: Final = Color.BLUE
_GREEN: Final = Color.GREEN

_WORD: Final = 1 << 64
_GOLDEN: Final = (
    0x9E3779B97F4A7C15  # the golden ratio's fraction, in parts of 2**64: no ratio is harder to come close to
)
_APART: Final = 0xBF58476D1CE4E5B9
"""How far apart workers begin, in parts of 2**64: another odd number that has nothing to do with the first."""


def service_key(secret: str, service: str) -> str:
    """The key of one service, as hexadecimal digits: what is made with it means nothing to another service."""
    return blake2b(service.encode(), key=bytes.fromhex(secret), digest_size=16).hexdigest()


def color_of(place: int, split: int) -> Color:
    """The color of the user at ``place``, where green's share is ``split`` hundredths of a percent."""
    return _GREEN if place < split else _BLUE


def digest_of(value: bytes, key: bytes) -> int:
    """A number below 2**64 that stands for what a user has said; nobody without the service's key can work it out."""
    return int.from_bytes(blake2b(value, key=key, digest_size=8, person=b"user").digest(), "big")


def place_of(digest: int) -> int:
    """The place that goes with a digest."""
    return digest % FULL_SPLIT


def network_of(address: bytes) -> bytes:
    """What of a client's address is one user: an IPv4 address, or the /64 of an IPv6 one; ``b""`` if it is neither.

    Behind one /64 is one household or one machine, which changes the rest of its address as it likes (RFC 8981).
    """
    if b":" not in address:
        return address if address[:1].isdigit() else b""
    try:
        parsed = IPv6Address(address.decode())
    except ValueError:
        return b""
    return parsed.packed[:8]


class Places:
    """Deals places out to newcomers, in one worker, so evenly that every share of them is a share of places.

    Each place is a golden section further than the one before: however many are dealt, no gap between them is much
    larger than another (Knuth, The Art of Computer Programming, volume 3, section 6.4). So of any newcomers in a row,
    green gets its share but for a few.
    """

    __slots__ = ("_at",)

    def __init__(self, start: int, worker: int) -> None:
        """``start`` is any number, best a random one; ``worker`` is this worker's number, for each begins elsewhere."""
        self._at = (start + worker * _APART) % _WORD

    def next(self) -> int:
        """The place of the next newcomer."""
        self._at = (self._at + _GOLDEN) % _WORD
        return self._at * FULL_SPLIT // _WORD
