"""What holds for every test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping

import hypothesis
import pytest
import uvloop

# No deadline: how long one example takes says more about the machine than about the code.
# In CI the examples are the same every time, so that a red run is red again when it is looked into.
hypothesis.settings.register_profile("bluegreen", deadline=None, derandomize=os.environ.get("CI") == "true")
hypothesis.settings.load_profile("bluegreen")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The data plane is tested on the loop that workers run on; everything else on asyncio's own."""
    if item.path.parent.name in ("dataplane", "wire"):
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}
