"""Every test of this folder that has a loop runs twice: on asyncio's and on uvloop's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops under test, by the name that the test gets."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
