"""Numbers as people say them."""

from __future__ import annotations

import math


def percent(share: float) -> str:
    """``0.021`` is ``2.1 %``, ``0.00034`` is ``0.034 %``, ``0.234`` is ``23 %``: two digits that tell something.

    Nearly all is not all: ``0.9996`` is ``99.9 %``.
    """
    value = 100 * share
    if 99 < value < 100:
        return f"{math.floor(10 * value) / 10:g} %"
    if value >= 10 or value == 0:
        return f"{value:.0f} %"
    digits = max(1, 1 - math.floor(math.log10(value)))
    return f"{value:.{min(digits, 4)}f}".rstrip("0").rstrip(".") + " %"


def duration(seconds: float) -> str:
    """``0.0083`` is ``8.3 ms``, ``0.31`` is ``310 ms``, ``1.24`` is ``1.2 s``, ``12.4`` is ``12 s``."""
    value, unit = (1000 * seconds, "ms") if seconds < 0.9995 else (seconds, "s")
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def sure(log_chance: float) -> str:
    """How sure one is if chance alone would do it with a probability of which this is the log; 99.99 % is enough."""
    doubt = math.exp(min(0.0, log_chance))
    if doubt <= 1e-4 * 1.0001:
        return "99.99 %"
    if doubt <= 1e-3 * 1.0001:
        return "99.9 %"
    return f"{math.floor(1000 * (1 - doubt) + 1e-6) / 10:g} %"


def requests(number: int) -> str:
    """``1`` is ``1 request``, ``1840`` is ``1,840 requests``."""
    return f"{number:,} request" + ("s" if number != 1 else "")
