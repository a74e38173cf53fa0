"""One front door for all tests of a file: what one conversation leaves behind, the next one meets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.fuzz.rig import Rig, running


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, asyncio.Runner]]:
    """The front door, and the loop that it runs on whenever a conversation is had."""
    with running(tmp_path_factory.mktemp("fuzz") / "access.log") as started:
        yield started
