"""Which color the next request goes to, so evenly that no window of requests can be lopsided."""

from __future__ import annotations

from typing import Final

from proxy.traffic.model import FULL_SPLIT
from proxy.traffic.spec import Color

# Reading a member off its enum class costs as much as the whole decision.
_BLUE: Final = Color.BLUE
_GREEN: Final = Color.GREEN


class Splitter:
    """Deals the requests of one service in one worker out to its colors.

    Each request adds green's share to what green is owed, and green is served whenever it is owed a whole request.
    As the debt always stays at or above none and below one request, over any requests in a row, wherever they
    begin, green gets its share of them give or take less than one. Starting at half halves that for the first ones.
    """

    __slots__ = ("_owed",)

    def __init__(self) -> None:
        self._owed = FULL_SPLIT // 2

    def next(self, split: int) -> Color:
        """The color of the next request.

        ``split`` is green's share in hundredths of a percent, 0 to 10,000; it may differ from call to call, and what
        is owed carries over. At 0 green gets none, at 10,000 it gets all.
        """
        owed = self._owed + split
        if owed < FULL_SPLIT:
            self._owed = owed
            return _BLUE
        self._owed = owed - FULL_SPLIT
        return _GREEN
