from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.control.core import Core, running_core


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """A control core with two workers and one healthy service, of which blue is live."""
    async with running_core(tmp_path / "bluegreen.db") as core:
        yield core
