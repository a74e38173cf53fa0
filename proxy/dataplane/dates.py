"""The time of day as answers tell it (RFC 9110 5.6.7)."""

from __future__ import annotations

import time
from email.utils import formatdate


class DateValue:
    """The value of the field Date, written anew once a second and handed out as often as anybody asks."""

    __slots__ = ("_second", "_value")

    def __init__(self) -> None:
        self._second = 0
        self._value = b""

    def now(self) -> bytes:
        """Such as ``Mon, 23 Nov 2026 12:33:00 GMT``."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._value = formatdate(second, usegmt=True).encode()
        return self._value
