"""The cookie by which a user is known again whom the application does not name itself.

Its value says who it is, at which place, since when, and when it was given. A user can neither read it, nor change it,
nor use it with another service: the key of the service is needed for each of these.

    bg1. + base64url of: user (8 bytes) | masked by a keyed hash of the user: began, given, place (10) | code (9)

The code is a MAC of what stands before it. To guess one takes 2**72 requests.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from hmac import compare_digest
from typing import Final

_PREFIX: Final = b"bg1."
_FORM: Final = re.compile(rb"bg1\.[A-Za-z0-9_\-]{36}").fullmatch
_USER_SIZE: Final = 8
_SAID_SIZE: Final = 10
_CODE_SIZE: Final = 9


class Session:
    """A user that a cookie of ours stands for. Times are whole Unix seconds."""

    __slots__ = ("began", "given", "place", "user")

    def __init__(self, user: int, began: int, given: int, place: int) -> None:
        self.user = user
        """A random number below 2**64."""
        self.began = began
        """When the user came first."""
        self.given = given
        """When the browser was last given the cookie."""
        self.place = place


def has_our_form(value: bytes) -> bool:
    """Whether a value looks like one of ours, be it good or not; any other one is the application's own."""
    return _FORM(value) is not None


class Seal:
    """Writes and reads the values of one service."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, session: Session) -> bytes:
        """The value that stands for a session; it may stand in a cookie and in a URL as it is."""
        said = session.began << 48 | session.given << 16 | session.place
        name = session.user.to_bytes(_USER_SIZE, "big")
        signed = name + (said ^ self._mask(name)).to_bytes(_SAID_SIZE, "big")
        return _PREFIX + urlsafe_b64encode(signed + self._code(signed))

    def read(self, value: bytes) -> Session | None:
        """The session of a value that has our form; ``None`` if it is forged, or another service's."""
        raw = urlsafe_b64decode(value[len(_PREFIX) :])
        signed = raw[:-_CODE_SIZE]
        if not compare_digest(raw[-_CODE_SIZE:], self._code(signed)):
            return None
        name = signed[:_USER_SIZE]
        said = int.from_bytes(signed[_USER_SIZE:], "big") ^ self._mask(name)
        return Session(int.from_bytes(name, "big"), said >> 48, said >> 16 & 0xFFFFFFFF, said & 0xFFFF)

    def _mask(self, name: bytes) -> int:
        return int.from_bytes(blake2b(name, key=self._key, digest_size=_SAID_SIZE, person=b"mask").digest(), "big")

    def _code(self, signed: bytes) -> bytes:
        return blake2b(signed, key=self._key, digest_size=_CODE_SIZE, person=b"code").digest()
