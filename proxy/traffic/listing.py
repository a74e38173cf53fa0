"""Many servers in few words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MOST: Final = 6
"""So many are named; a sentence with hundreds of addresses is not read by anybody."""


def listed(addresses: Sequence[str]) -> str:
    """``a, b``; of many the first ones, and how many more there are."""
    more = len(addresses) - MOST
    if more < 2:
        return ", ".join(addresses)
    return f"{', '.join(addresses[:MOST])} and {more} more"
