from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.control.rollouts.yard import Plant, Yard, planted


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Plant]:
    """Four servers, and no front door yet."""
    async with planted(tmp_path) as plant:
        yield plant


@pytest.fixture
async def yard(plant: Plant) -> AsyncIterator[Yard]:
    """A front door before four servers, of which three are to be rolled."""
    async with plant.opened() as yard:
        yield yard
