"""The weight of a server that comes back.

One that has just been started is slow: its caches are cold and its code is not compiled yet. So it begins with a part
of its weight that grows, while the others carry the rest.
"""

from __future__ import annotations

import math
from typing import Final

from proxy.traffic.rollout.plan import SlowStart

FINEST: Final = 100
"""Parts of a weight that can be told apart."""


def ramp_at(slow_start: SlowStart, warmed: float) -> float:
    """The share of its weight after so many seconds, in whole hundredths, at least one of them."""
    if warmed >= slow_start.over:
        return 1.0
    grown = math.pow(max(0.0, warmed) / slow_start.over, slow_start.exponent)
    return max(1, round(FINEST * min(1.0, max(slow_start.floor, grown)))) / FINEST
