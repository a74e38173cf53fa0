"""How many different users were seen lately, from a few thousand cells and without a list of them.

Each user has one cell by hash, and whoever comes leaves the minute in it. The share of cells in which nobody was lately
tells how many there are: linear counting (Whang, Vander-Zanden, Taylor: "A linear-time probabilistic counting algorithm
for database applications", ACM Transactions on Database Systems 15(2), 1990).
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def headcount(cells: Sequence[int], now: float, within: float) -> int:
    """About how many users came in the last ``within`` seconds.

    ``cells`` are the Unix minutes of the last visits. Of 8,192 cells the answer is within 3 % of up to 20,000 users,
    and mostly within 10 % of 70,000; where no cell is empty any more it is the least that there must be.
    """
    oldest = int((now - within) // 60)
    size = len(cells)
    empty = sum(minute <= oldest for minute in cells)
    return round(size * math.log(size / max(empty, 1))) if size else 0
