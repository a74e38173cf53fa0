"""How many requests it takes to tell."""

from __future__ import annotations

import math
from typing import Final

from proxy.traffic.judge.effect import Z_CLEAR
from proxy.traffic.judge.likelihood import ODDS

_Z_POWER: Final = 1.282
"""So that it is told in 90 of 100 cases."""

_CLOSEST: Final = 0.8
"""What is closer to its limit than that would take for ever, and is taken to be there."""


def to_clear(share: float, allowed: float, split: float) -> float:
    """Requests of the new color after which a difference of ``allowed`` can be ruled out.

    ``share`` is what both colors have if there is no difference, ``split`` the new color's part of the requests.
    """
    others = split / max(0.01, 1 - split)  # requests of the new color for each of the old one
    highest, variance = min(1.0, share + allowed), share * (1 - share)
    bound = Z_CLEAR * math.sqrt(highest * (1 - highest) + variance * others)
    return ((bound + _Z_POWER * math.sqrt(variance * (1 + others))) / allowed) ** 2


def to_clear_share(share: float, limit: float) -> float:
    """Requests after which a share can be seen to be below a limit."""
    share = min(share, _CLOSEST * limit)
    several = (Z_CLEAR * math.sqrt(limit * (1 - limit)) + _Z_POWER * math.sqrt(share * (1 - share))) ** 2
    return max(several / (limit - share) ** 2, Z_CLEAR * Z_CLEAR * (1 - limit) / limit)


def to_show(new: float, old: float, split: float, log_limit: float) -> float:
    """Requests of the new color after which a difference that is there has shown, with evidence of ``log_limit``."""
    information = _information(new, old, min(max(split, 1e-4), 1 - 1e-4))
    if information <= 0.0:
        return math.inf
    enough = log_limit + math.log(2 * len(ODDS))
    z = _Z_POWER * math.sqrt(2)
    return ((z + math.sqrt(z * z + 4 * enough)) / 2) ** 2 / information


def rounded(number: float) -> int:
    """To two significant digits: more would claim too much."""
    if number < 100:
        return max(1, math.ceil(number))
    unit: int = 10 ** (int(math.log10(number)) - 1)
    return math.ceil(number / unit) * unit


def _information(new: float, old: float, split: float) -> float:
    """What the log likelihood ratio gains with each request of the new color."""
    both = split * new + (1 - split) * old
    return _divergence(new, both) + (1 - split) / split * _divergence(old, both)


def _divergence(share: float, other: float) -> float:
    """Of Kullback and Leibler, between two coins."""
    divergence = 0.0
    if share > 0.0:
        divergence += share * math.log(share / other)
    if share < 1.0 and other < 1.0:
        divergence += (1 - share) * math.log((1 - share) / (1 - other))
    return divergence
