"""What has to be written down though the store fails for a while: it has happened, and must not be done again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from proxy.control.publisher import TableTooLarge
from proxy.control.store.base import StoreUnavailable

logger = logging.getLogger(__name__)

PROGRAM: Final = "program"
"""Who decides what is plain to see."""

STORE_REST: Final = 1.0
"""Seconds after which a step that could not be written down is tried again."""


async def insist(operation: str, step: Callable[[], Awaitable[object]], wanted: Callable[[], bool]) -> None:
    """Take a step of an operation as soon as it can be written down, as long as it is ``wanted``.

    Raises:
        Refused: it makes no sense any more.
    """
    while wanted():
        try:
            await step()
        except (StoreUnavailable, TableTooLarge) as error:
            logger.warning("%s cannot go on for now: %s", operation, error)
            await asyncio.sleep(STORE_REST)
        else:
            return
