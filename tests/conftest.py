"""What holds for every test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import hypothesis
import pytest
import uvloop

import proxy
from tests.compiled import is_compiled, modules_to_compile

# No deadline: how long one example takes says more about the machine than about the code.
# In CI the examples are the same every time, so that a red run is red again when it is looked into.
hypothesis.settings.register_profile("bluegreen", deadline=None, derandomize=os.environ.get("CI") == "true")
hypothesis.settings.load_profile("bluegreen")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The data plane is tested on the loop that workers run on, what lies below it on both; the rest on asyncio's."""
    if item.path.parent.name in ("dataplane", "wire"):
        return {"uvloop": uvloop.new_event_loop}
    if item.path.parent.name == "net":
        return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test-compiled` says that it means the compiled program."""
    parser.addoption("--compiled", action="store_true", help="test the compiled program, and refuse any other")


def pytest_sessionstart(session: pytest.Session) -> None:
    """What is tested is what was asked for: the sources that stand here, or what was compiled, and all of it."""
    wanted = session.config.getoption("compiled")
    strange = [name for name in modules_to_compile() if is_compiled(name) is not wanted]
    if strange:
        state = "not compiled" if wanted else "compiled, and would hide what is edited"
        raise pytest.UsageError(f"{Path(proxy.__file__).parent}: these are {state}: {', '.join(strange)}")


def pytest_report_header() -> str:
    """Which of the two it is, for the reader of a log."""
    compiled = [name for name in modules_to_compile() if is_compiled(name)]
    return f"proxy: {Path(proxy.__file__).parent}, {len(compiled)} modules compiled"
