"""Numbers as people say them."""

from __future__ import annotations

import math


def percent(share: float) -> str:
    """``0.021`` is ``2.1 %``, ``0.00034`` is ``0.034 %``, ``0.234`` is ``23 %``: two digits that tell something."""
    value = 100 * share
    if value >= 10 or value == 0:
        return f"{value:.0f} %"
    digits = max(1, 1 - math.floor(math.log10(value)))
    return f"{value:.{min(digits, 4)}f}".rstrip("0").rstrip(".") + " %"


def duration(seconds: float) -> str:
    """``0.31`` is ``310 ms``, ``1.24`` is ``1.2 s``."""
    if seconds >= 10:
        return f"{seconds:.0f} s"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    milliseconds = 1000 * seconds
    return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"


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
